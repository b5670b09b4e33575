"""The rule that meta-training starts from: its parameters and settings, and rules that cannot be started from."""

import dataclasses
import re

import jax
import numpy as np
import pytest

from groove.dropin.find import named_rule
from groove.dropin.rule_file import save_rule
from groove.training.build import build, make_groups, make_meta_step
from groove.training.checkpoints.checkpoint import Checkpointer
from groove.training.settings.prepare import prepare_new, prepare_resumed
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.typed_fields import to_dict
from tests._helpers.disco import synthetic_weights
from tests._helpers.rules import write_rule

DISCO = {  # a run of Disco103 of seconds
    "curriculum": "ar",
    "devices": 1,
    "meta.optimizer": "es",
    "es.population": 8,
    "slots.workers": 2,
    "slots.steps": 8,
    "levels.min_lifetime": 20,
    "levels.max_lifetime": 20,
    "run.log_every": 1,
}


@pytest.fixture(autouse=True)
def _started():
    """Start the backend, so that requests for devices leave the eight devices of the tests as they are."""
    jax.devices()


@pytest.mark.parametrize("optimizer", ["gradient", "es"])
def test_a_run_begins_with_the_parameters_of_its_starting_rule(tmp_path, optimizer):
    path = write_rule(tmp_path / "mine.safetensors")
    config = prepare_new("smoke", {"start": str(path), "curriculum": "dr", "meta.optimizer": optimizer})
    state = make_meta_step(config, make_groups(config)).init(jax.random.key(3))
    jax.tree.map(np.testing.assert_array_equal, state.eta, named_rule(path).eta)
    if optimizer == "es":
        flat = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state.eta)])
        assert any(np.array_equal(np.ravel(leaf), flat) for leaf in jax.tree.leaves(state.optimizer))  # the mean
    assert config.first_rule == "starting rule"
    assert prepare_new("smoke", {}).first_rule == "untrained rule"


def test_a_run_takes_over_the_settings_of_its_starting_rule_except_those_that_it_sets(tmp_path):
    path = write_rule(tmp_path / "mine.safetensors")
    own = named_rule(path).config
    assert own != prepare_new("laptop", {}).rules["lpg"]
    config = prepare_new("laptop", {"start": str(path), "curriculum": "dr"})
    assert config.rules["lpg"] == own
    weight = own.y_hat_l2 + 0.5
    changed = prepare_new("laptop", {"start": str(path), "curriculum": "dr", "rules.lpg.y_hat_l2": weight})
    assert changed.rules["lpg"].y_hat_l2 == weight


def test_a_run_is_not_resumed_with_another_starting_rule(tmp_path):
    path = tmp_path / "mine.safetensors"
    write_rule(path)
    stored = prepare_new("smoke", {"start": str(path)})
    assert re.fullmatch(rf"{re.escape(str(path))}#[0-9a-f]{{16}}", stored.start)
    assert prepare_resumed(stored, None, {}) == stored
    write_rule(path, spread=0.2)
    with pytest.raises(ConfigError, match="is not the rule that it was"):
        prepare_resumed(stored, None, {})


@pytest.fixture
def disco(tmp_path):
    """Return the name of a rule like Disco103, with small agents that move fast."""
    np.savez(tmp_path / "weights.npz", **synthetic_weights())
    return f"disco103={tmp_path}/weights.npz[uses=1;batch=2;capacity=4;model_width=2;widths=16;learning_rate=0.3]"


def test_disco103_is_started_from_and_its_checkpoints_and_rule_files_are_the_same_rule(disco, tmp_path):
    config = prepare_new("smoke", {"start": disco, **DISCO})
    assert (config.rule, config.rules["disco103"].capacity, config.discount) == ("disco103", 4, 0.997)
    assert prepare_resumed(config, None, {}) == config
    state = make_meta_step(config, make_groups(config)).init(jax.random.key(3))
    eta = named_rule(disco).eta
    jax.tree.map(np.testing.assert_array_equal, state.eta, eta)
    with Checkpointer(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(1, state, {})
        checkpoints.wait()
        restored, _, _ = checkpoints.restore(state)
    jax.tree.map(np.testing.assert_array_equal, *map(_plain, (restored, state)))
    moved = jax.tree.map(lambda x: x + 1, eta)
    save_rule(tmp_path / "tuned.safetensors", moved, {"rule": "disco103", **to_dict(config)["rules"]})
    following = prepare_new("smoke", {"start": str(tmp_path / "tuned.safetensors"), **DISCO})
    assert following.rules["disco103"] == config.rules["disco103"]
    jax.tree.map(np.testing.assert_array_equal, make_groups(following)[0].setup.rule.init(None), moved)


@pytest.mark.slow  # it compiles for half a minute
def test_a_fine_tuning_of_disco103_that_is_resumed_is_the_uninterrupted_one(disco, tmp_path):
    config = prepare_new("smoke", {"start": disco, **DISCO})
    trainer = build(config).trainer
    state, metrics = trainer.run(trainer.init(jax.random.key(3)), 1)
    assert metrics["fitness_difference"][0] > 0
    assert any((x != y).any() for x, y in zip(*map(jax.tree.leaves, (state.eta, named_rule(disco).eta)), strict=True))
    with Checkpointer(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(1, state, {})
        checkpoints.wait()
        resumed, _, _ = checkpoints.restore(state)
    whole = trainer.run(state, 1)[0]
    assert trainer.compilations() == 1
    jax.tree.map(np.testing.assert_array_equal, *map(_plain, (trainer.run(resumed, 1)[0], whole)))


def _plain(state):
    """Return a state with its key as numbers."""
    return dataclasses.replace(state, key=jax.random.key_data(state.key))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"start": "nosuch"}, '("nosuch"): there is no rule "nosuch"'),
        ({"start": "a2c"}, '("a2c") has no parameters to train'),
        ({"rule": "disco103"}, "meta.optimizer = gradient cannot train the rule disco103, whose updates have no"),
        ({"start": "paper-groove", "rules.lpg.hidden": 4}, '("paper-groove") has parameters of other shapes'),
    ],
)
def test_rules_that_cannot_be_started_from_are_refused_before_a_run_begins(overrides, said):
    with pytest.raises(GrooveError, match=re.escape(said)):
        prepare_new("smoke", overrides)
