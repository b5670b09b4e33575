"""The benchmark of accelerators: everything that it plans to measure can be measured."""

import pytest

from groove.training.settings.presets import preset
from groove.utils.typed_fields import replace_all


@pytest.fixture
def accelerator(benchmark_program):
    return benchmark_program("accelerator")


def test_all_configurations_have_one_device(accelerator):
    accelerator.PROGRAM.flags.values(["accelerator"])
    planned = [measure.args[0] for _, measure in accelerator.measurements()]
    assert [config.devices for config in planned] == [1] * 6


def test_the_learning_check_returns_one_number_for_each_meta_seed(accelerator):
    values = {"curriculum": "dr", "devices": 1, "run.log_every": 10}
    row = accelerator.learning(replace_all(preset("smoke"), values), seeds=2, steps=10)
    assert row["precision"] == "f32"
    assert len(row["student return, by meta-seed"]) == 2
