"""The rule that meta-training starts from: its parameters and settings, and rules that cannot be started from."""

import re

import jax
import numpy as np
import pytest

from groove.dropin.find import named_rule
from groove.training.build import make_groups, make_meta_step
from groove.training.settings.prepare import prepare_new, prepare_resumed
from groove.utils.errors import ConfigError, GrooveError
from tests._helpers.rules import write_rule


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


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"start": "nosuch"}, '("nosuch"): there is no rule "nosuch"'),
        ({"start": "a2c"}, '("a2c") has no parameters to train'),
        ({"start": "paper-groove", "rules.lpg.hidden": 4}, '("paper-groove") has parameters of other shapes'),
    ],
)
def test_rules_that_cannot_be_started_from_are_refused_before_a_run_begins(overrides, said):
    with pytest.raises(GrooveError, match=re.escape(said)):
        prepare_new("smoke", overrides)
