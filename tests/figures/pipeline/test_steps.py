"""Level sets as steps."""

import dataclasses

from figures.pipeline.steps import FirstLevels, HardLevels
from groove.sweep.steps import MetaTraining

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def test_a_set_of_levels_names_a_training_wherever_it_lies(tmp_path):
    hardest = FirstLevels(HardLevels(SMOKE, scored=8, keep=2), keep=1, lifetimes=(10, 20))
    training = dataclasses.replace(SMOKE, curriculum="networks:set:", levels=hardest)
    assert training.name == dataclasses.replace(training, label="other").name
    assert training.name != dataclasses.replace(training, levels=dataclasses.replace(hardest, keep=2)).name
    command = training.command(tmp_path)
    assert command[command.index("--curriculum") + 1] == f"networks:set:{tmp_path / hardest.name}"
    assert str(tmp_path) not in training.name
