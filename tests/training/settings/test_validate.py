"""Configurations that cannot run are refused, with the field and the value to set."""

import re

import pytest

from groove.training.settings.presets import preset
from groove.training.settings.validate import validate, validate_ranges
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign, flatten, to_dict


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("slots.count=0", "slots.count = 0 must be at least 1"),
        ("slots.workers=-1", "slots.workers = -1 must be at least 1"),
        ("gradient.learning_rate=0", "gradient.learning_rate = 0.0 must be above 0"),
        ("gradient.learning_rate=nan", "gradient.learning_rate = nan must be above 0"),
        ("devices=3", "slots.count = 8 does not divide over devices = 3"),
        ("devices=-1", "devices = -1 must be between 0 and 1024"),
        ("plr.buffer_size=15", "must be at least twice"),
        ("levels.min_size=11", "levels.min_size = 11 must not be above levels.max_size = 10"),
        ("levels.max_size=11", "levels.max_size = 11 must not be above sizes.side = 10"),
        ("levels.max_respawn=1.5", "levels.max_respawn = 1.5 must be between 1e-06 and 1"),
        ("levels.min_size=2", "levels.min_size = 2 must be between 3 and 99"),
        ("levels.step_reward_share=-1", "levels.step_reward_share = -1.0 must be between 0 and 1"),
        ("levels.max_objects=0", "levels.max_objects = 0 must be between 1 and 16"),
        ("sizes.side=1000000000", "sizes.side = 1000000000 must be between 3 and 99"),
        ("seed=9223372036854775808", "seed = 9223372036854775808 must be between 0 and"),
        ("devices=1000000", "devices = 1000000 must be between 0 and 1024"),
        ("gradient.learning_rate=inf", "gradient.learning_rate = inf must be above 0, and finite"),
        ("run.steps=3000000000", "run.steps = 3000000000 must be at most 1,000,000,000"),
        ("slots.workers=3000000000", "slots.workers = 3000000000 must be at most 1,000,000,000"),
        ("preset=foo", 'unknown config "foo"'),
        ("levels.walls=101", "no free cell"),
        ("levels.max_objects=16", "no free cell"),
        ("rules.lpg.discount=1.1", "rules.lpg.discount = 1.1 must be between 0 and 1"),
        ("run.checkpoint_every=7", "must be a multiple of run.log_every"),
        ("validation.every=7", "must be a multiple of run.log_every"),
        (
            "curriculum=ar@set:1",
            "but set:1 holds 1, so no level would ever be replayed: choose a plr.min_fill of",
        ),
        ("rules.lpg.base=ppo rules.lpg.minibatches=7", "rules.lpg.minibatches = 7 does not divide slots.steps"),
        ("antagonists=dpo rules.dpo.minibatches=7", "rules.dpo.minibatches = 7 does not divide slots.steps"),
        ("antagonists=rule:ppo[minibatches=7]", "rule:ppo[minibatches=7]: minibatches = 7 does not divide slots.steps"),
        ("slots.stagger=9", "more groups than slots.count"),
        ("validation.sources=world", 'validation.sources: unknown source "world"'),
        ("validation.sources=dr", "validation.sources names dr twice"),
        ("validation.sources=worlds,worlds", "validation.sources names worlds twice"),
        ("validation.sources=dr=0.5,mazes=0.5", 'and "dr=0.5" is none'),
    ],
)
def test_configurations_that_cannot_run_are_refused(assignment, complaint):
    config = preset("smoke")
    for word in assignment.split():
        config = assign(config, word)
    with pytest.raises(ConfigError, match=re.escape(complaint)):
        validate(config)


NUMBERS = [path for path, value in flatten(to_dict(preset("paper"))).items() if isinstance(value, float)]
UNLIMITED = ("rules.lpg.clip", "rules.ppo.clip")  # infinity switches clipping off


@pytest.mark.parametrize("path", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_number_may_be_infinite_or_undefined(path, value):
    if path in UNLIMITED and value == "inf":
        validate_ranges(assign(preset("paper"), f"{path}={value}"))
        return
    with pytest.raises(ConfigError, match=re.escape(path)):
        validate_ranges(assign(preset("paper"), f"{path}={value}"))


def test_every_complaint_has_its_own_line():
    config = assign(assign(preset("smoke"), "slots.workers=0"), "levels.min_steps=11")
    with pytest.raises(ConfigError) as error:
        validate(config)
    assert [line.split(" = ")[0] for line in str(error.value).splitlines()] == ["slots.workers", "levels.min_steps"]


def test_ranges_alone_leave_other_conditions_to_the_full_check():
    validate_ranges(assign(preset("smoke"), "levels.min_steps=11"))
    with pytest.raises(ConfigError, match=r"slots.count = 0 must be at least 1"):
        validate_ranges(assign(preset("smoke"), "slots.count=0"))
