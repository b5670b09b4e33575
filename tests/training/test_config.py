"""Configurations: presets that can run, typed overrides, the nearest name for a wrong one, a round trip by JSON."""

import json

import pytest

from groove.cli.meta_train import _settle
from groove.training import config as configs
from groove.training.config import PRESETS
from groove.training.validate import validate
from groove.utils.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_survive_json(name):
    config = configs.preset(name)
    validate(config)
    assert configs.from_dict(json.loads(json.dumps(configs.to_dict(config)))) == config


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("meta.learning_rate=3e-4", ("meta", "learning_rate"), 3e-4),
        ("slots.count=16", ("slots", "count"), 16),
        ("lpg.core=lstm", ("lpg", "core"), "lstm"),
        ("lpg.lifetime_conditioning=true", ("lpg", "lifetime_conditioning"), True),
        ("agent.widths=64,32", ("agent", "widths"), (64, 32)),
        ("curriculum=dr", ("curriculum",), "dr"),
    ],
)
def test_overrides_are_read_as_the_fields_type(assignment, path, value):
    config = configs.override(configs.preset("smoke"), assignment)
    for name in path:
        config = getattr(config, name)
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("meta.learning_rte=1", r'unknown field "meta.learning_rte" \(did you mean "meta.learning_rate"\?\)'),
        ("lerning_rate=1", "did you mean"),
        ("slots.count=1.5", "slots.count takes an integer"),
        ("slots.count=many", "slots.count takes an integer"),
        ("lpg.lifetime_conditioning=yes", "takes true or false"),
        ("lpg.core=rnn", "takes one of gru, lstm"),
        ("agent.widths=a,b", "takes a comma-separated list of int"),
        ("meta=1", "meta is a group of fields"),
        ("meta.learning_rate", "is not an assignment"),
    ],
)
def test_wrong_overrides_are_refused_with_the_cure(assignment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        configs.override(configs.preset("smoke"), assignment)


def test_unknown_preset():
    with pytest.raises(ConfigError, match='did you mean "laptop"'):
        configs.preset("labtop")


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("slots.count=0", "slots.count = 0 must be positive"),
        ("slots.workers=-1", "slots.workers = -1 must be positive"),
        ("meta.learning_rate=0", "meta.learning_rate = 0.0 must be positive"),
        ("meta.learning_rate=nan", "meta.learning_rate = nan must be positive"),
        ("devices=3", "slots.count = 8 does not divide over devices = 3"),
        ("devices=-1", "devices = -1 must not be negative"),
        ("plr.buffer_size=15", "must be at least twice"),
        ("levels.min_size=11", "must be in order"),
        ("levels.max_size=11", "must fit sizes.side"),
        ("levels.max_respawn=1.5", "must be in order and within"),
        ("levels.walls=101", "no free cell"),
        ("lpg.discount=1.1", r"lpg.discount = 1.1 must lie in \[0, 1\]"),
        ("run.checkpoint_every=7", "must be a multiple of run.log_every"),
        ("validation.every=7", "must be a multiple of run.log_every"),
        ("slots.stagger=9", "more groups than slots.count"),
    ],
)
def test_configurations_that_cannot_run_are_refused(assignment, complaint):
    config = configs.override(configs.preset("smoke"), assignment)
    with pytest.raises(ConfigError, match=complaint):
        validate(config)


@pytest.mark.parametrize(
    ("curriculum", "assignment", "reader"),
    [
        ("dr", "plr.robust=true", "plr is read by curricula that replay"),
        ("mazes", "antagonists=ppo", "antagonists is read by curricula whose score needs an antagonist"),
        ("pvl", "antagonists=optimal", "antagonists is read by curricula whose score needs an antagonist"),
        ("ar", "ppo.clip=0.1", "ppo is read by the antagonist ppo"),
        ("ar", "es.sigma=0.2", "es is read by meta.optimizer=es"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(curriculum, assignment, reader):
    config = configs.override(configs.preset("smoke"), f"curriculum={curriculum}")
    validate(config)
    with pytest.raises(ConfigError, match=reader):
        validate(configs.override(config, assignment))


@pytest.mark.parametrize("curriculum", ["ar", "accel:relative@mazes"])
def test_settings_that_are_read_are_not_refused(curriculum):
    config = configs.override(configs.preset("smoke"), f"curriculum={curriculum}")
    for assignment in ("antagonists=a2c,ppo", "ppo.clip=0.1", "plr.robust=true", "meta.optimizer=es", "es.sigma=0.2"):
        config = configs.override(config, assignment)
        validate(config)


def test_a_run_settles_its_devices_and_its_decay_once():
    first = _settle(configs.preset("smoke"), devices=2, decay_steps=20)
    assert (first.devices, first.meta.decay_steps) == (2, 20)
    further = _settle(configs.override(first, "run.steps=50"), devices=4, decay_steps=50)
    assert (further.devices, further.meta.decay_steps) == (2, 20)
