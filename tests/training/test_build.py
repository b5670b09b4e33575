"""Every preset builds and steps, compiled once, at counts small enough for a test."""

import jax
import pytest

from groove.training.build import build
from groove.training.presets import PRESETS, preset
from groove.training.validate import validate
from groove.utils.typed_fields import replace, replace_all

SMALL = {
    "devices": 1,
    "slots.count": 8,
    "slots.workers": 2,
    "slots.steps": 3,
    "slots.episodes": 2,
    "rules.lpg.hidden": 4,
    "run.log_every": 2,
}


CURRICULA = dict(zip(PRESETS, ["dr", "dr", "ar@varied", "ar"], strict=True))
SLOW = ("paper", "release", "laptop")  # they compile for long


@pytest.mark.parametrize(
    ("name", "curriculum"),
    [pytest.param(*item, marks=[pytest.mark.slow] * (item[0] in SLOW)) for item in CURRICULA.items()],
)
def test_every_preset_builds_and_steps_without_recompiling(name, curriculum):
    config = replace(preset(name), "curriculum", curriculum)
    config = replace_all(config, SMALL)
    validate(config)
    trainer = build(config).trainer
    state = trainer.init(jax.random.key(0))
    for n in (1, 2):
        state, metrics = trainer.run(state, n)
    assert int(state.step) == 3
    assert float(metrics["skipped"][1]) == 0.0
    assert trainer.compilations() == 1
