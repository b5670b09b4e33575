"""Configurations: presets that can run, typed overrides, the nearest name for a wrong one, a round trip by JSON."""

import json

import pytest

from groove.cli.meta_train import _settle
from groove.training.legacy import read_config
from groove.training.presets import PRESETS, preset
from groove.training.validate import validate
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import assign, to_dict


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_survive_json(name):
    config = preset(name)
    validate(config)
    assert read_config(json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("gradient.learning_rate=3e-4", ("gradient", "learning_rate"), 3e-4),
        ("slots.count=16", ("slots", "count"), 16),
        ("rules.lpg.core=lstm", ("rules", "lpg", "core"), "lstm"),
        ("rules.lpg.lifetime_conditioning=true", ("rules", "lpg", "lifetime_conditioning"), True),
        ("table_agent.widths=64,32", ("table_agent", "widths"), (64, 32)),
        ("curriculum=dr", ("curriculum",), "dr"),
    ],
)
def test_overrides_are_read_as_the_fields_type(assignment, path, value):
    config = assign(preset("smoke"), assignment)
    for name in path:
        config = config[name] if isinstance(config, dict) else getattr(config, name)
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("gradient.learning_rte=1", 'did you mean "gradient.learning_rate"'),
        ("lerning_rate=1", "did you mean"),
        ("slots.count=1.5", "slots.count takes an integer"),
        ("slots.count=many", "slots.count takes an integer"),
        ("rules.lpg.lifetime_conditioning=yes", "takes true or false"),
        ("rules.lpg.core=rnn", "takes one of gru, lstm"),
        ("table_agent.widths=a,b", "takes a comma-separated list of int"),
        ("meta=1", "meta is a group"),
        ("gradient.learning_rate", "is not an assignment"),
    ],
)
def test_wrong_overrides_are_refused_with_the_cure(assignment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        assign(preset("smoke"), assignment)


def test_unknown_preset():
    with pytest.raises(ConfigError, match='did you mean "laptop"'):
        preset("labtop")


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("slots.count=0", "slots.count = 0 must be at least 1"),
        ("slots.workers=-1", "slots.workers = -1 must be at least 1"),
        ("gradient.learning_rate=0", "gradient.learning_rate = 0.0 must be above 0"),
        ("gradient.learning_rate=nan", "gradient.learning_rate = nan must be above 0"),
        ("devices=3", "slots.count = 8 does not divide over devices = 3"),
        ("devices=-1", "devices = -1 must be at least 0"),
        ("plr.buffer_size=15", "must be at least twice"),
        ("levels.min_size=11", "must be in order"),
        ("levels.max_size=11", "must fit sizes.side"),
        ("levels.max_respawn=1.5", "must be in order and within"),
        ("levels.walls=101", "no free cell"),
        ("rules.lpg.discount=1.1", "rules.lpg.discount = 1.1 must be between 0 and 1"),
        ("run.checkpoint_every=7", "must be a multiple of run.log_every"),
        ("validation.every=7", "must be a multiple of run.log_every"),
        ("slots.stagger=9", "more groups than slots.count"),
    ],
)
def test_configurations_that_cannot_run_are_refused(assignment, complaint):
    config = assign(preset("smoke"), assignment)
    with pytest.raises(ConfigError, match=complaint):
        validate(config)


@pytest.mark.parametrize(
    ("curriculum", "assignment", "reader"),
    [
        ("dr", "plr.robust=true", "plr is read by curricula that replay"),
        ("mazes", "antagonists=ppo", "antagonists is read by curricula whose score needs an antagonist"),
        ("pvl", "antagonists=optimal", "antagonists is read by curricula whose score needs an antagonist"),
        ("ar", "rules.ppo.clip=0.1", "rules.ppo is read only if ppo is the learned rule or an antagonist"),
        ("ar meta.optimizer=es", "gradient.learning_rate=1e-3", "gradient is read by meta.optimizer=gradient"),
        ("ar", "es.sigma=0.2", "es is read by meta.optimizer=es"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(curriculum, assignment, reader):
    config = preset("smoke")
    for word in f"curriculum={curriculum}".split():
        config = assign(config, word)
    validate(config)
    with pytest.raises(ConfigError, match=reader):
        validate(assign(config, assignment))


@pytest.mark.parametrize("curriculum", ["ar", "accel:relative@mazes"])
def test_settings_that_are_read_are_not_refused(curriculum):
    config = assign(preset("smoke"), f"curriculum={curriculum}")
    by_ppo, by_es = ("antagonists=a2c,ppo", "rules.ppo.clip=0.1"), ("meta.optimizer=es", "es.sigma=0.2")
    for assignment in (*by_ppo, "plr.robust=true", *by_es):
        config = assign(config, assignment)
        validate(config)


def test_a_run_settles_its_devices_and_its_decay_once():
    first = _settle(preset("smoke"), devices=2, decay_steps=20)
    assert (first.devices, first.gradient.decay_steps) == (2, 20)
    further = _settle(assign(first, "run.steps=50"), devices=4, decay_steps=50)
    assert (further.devices, further.gradient.decay_steps) == (2, 20)
