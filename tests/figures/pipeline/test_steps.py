"""Steps of plans: names by configuration, and trainings that begin, resume and end."""

import dataclasses
import json

import pytest

from figures.pipeline.steps import FirstLevels, HardLevels, MetaTraining
from groove.utils.errors import ConfigError

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def _write_run(runs, training, step, checkpoint=False):
    directory = runs / training.name
    directory.mkdir(parents=True)
    (directory / "metrics.jsonl").write_text(json.dumps({"step": step}) + '\n{"step": 9')
    if checkpoint:
        (directory / "checkpoints" / str(step)).mkdir(parents=True)
    return directory


def test_names_follow_what_is_computed_and_not_what_it_is_called():
    names = {
        dataclasses.replace(SMOKE, **change).name
        for change in (
            {},
            {"seed": 1},
            {"curriculum": "dr"},
            {"overrides": ("rules.lpg.hidden=16",)},
            {"preset": "laptop"},
        )
    }
    assert len(names) == 5
    assert dataclasses.replace(SMOKE, label="other").name == SMOKE.name
    assert dataclasses.replace(SMOKE, overrides=("rules.lpg.hidden=8",)).name == SMOKE.name  # what it is anyway
    with pytest.raises(ConfigError, match="unknown field"):
        dataclasses.replace(SMOKE, overrides=("rules.lpg.hiden=8",)).name  # noqa: B018


def test_a_training_begins_goes_on_and_ends(tmp_path):
    assert "--resume" not in SMOKE.command(tmp_path)
    directory = _write_run(tmp_path, SMOKE, 5)
    assert "--resume" not in SMOKE.command(tmp_path)  # it got nowhere
    assert not directory.exists()
    directory = _write_run(tmp_path, SMOKE, 10, checkpoint=True)
    assert SMOKE.command(tmp_path)[-1] == "--resume"
    assert (SMOKE.steps_done(tmp_path), SMOKE.finished(tmp_path)) == (10, False)
    (directory / "summary.json").write_text(json.dumps({"step": 10, "seconds": 5.0}))
    assert not SMOKE.finished(tmp_path)  # it was stopped
    assert SMOKE.seconds_left(tmp_path) == pytest.approx(5.0)  # ten more at half a second
    (directory / "summary.json").write_text(json.dumps({"step": 20, "seconds": 10.0}))
    assert SMOKE.finished(tmp_path)


def test_a_set_of_levels_names_a_training_wherever_it_lies(tmp_path):
    hardest = FirstLevels(HardLevels(SMOKE, scored=8, keep=2), keep=1, lifetimes=(10, 20))
    training = dataclasses.replace(SMOKE, curriculum="networks:set:", levels=hardest)
    assert training.name == dataclasses.replace(training, label="other").name
    assert training.name != dataclasses.replace(training, levels=dataclasses.replace(hardest, keep=2)).name
    command = training.command(tmp_path)
    assert command[command.index("--curriculum") + 1] == f"networks:set:{tmp_path / hardest.name}"
    assert str(tmp_path) not in training.name
