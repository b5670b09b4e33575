"""Variants of a rule with controls: what is held constant has no effect, and a schedule is kept whole."""

import jax.numpy as jnp
import numpy as np
import pytest

from figures.analysis.control_anatomy import Traces, draw, table, variants, write_variants
from groove.dropin.find import find_rule
from groove.lpg.controls import INPUTS, ControlInputs, control_features
from groove.utils.errors import ConfigError

RNG = np.random.default_rng(0)


def _traces(count=40, bins=25):
    progress = np.broadcast_to((np.arange(bins) + 0.5) / bins, (count, bins))
    others = RNG.uniform(0.1, 0.9, (count, bins, 4))
    facts = np.concatenate([progress[..., None], np.full((count, bins, 1), 100.0), others], -1).astype(np.float32)
    return Traces(np.ones((count, bins, 2), np.float32), facts)


def _eta(weights, bias):
    return {"controls": {"w": np.asarray(weights, np.float32), "b": np.asarray(bias, np.float32)}}


def _arguments(eta, facts):
    features = control_features(ControlInputs(*jnp.asarray(facts.reshape(-1, 6)).T))
    return np.asarray(features) @ eta["controls"]["w"] + eta["controls"]["b"]


def test_an_input_that_is_held_at_its_mean_changes_no_mean_and_has_no_effect():
    traces, eta = _traces(), _eta(RNG.normal(size=(6, 2)), RNG.normal(size=2))
    made = variants(eta, {"one": traces})
    assert list(made) == ["whole rule", *(f"without {name}" for name in INPUTS), "schedule alone", "constants alone"]
    whole = _arguments(eta, traces.facts)
    for index, name in enumerate(INPUTS):
        without = made[f"without {name}"]
        np.testing.assert_array_equal(without["controls"]["w"][index], 0)
        np.testing.assert_allclose(_arguments(without, traces.facts).mean(0), whole.mean(0), atol=1e-4)
    constant = _arguments(made["constants alone"], traces.facts)
    np.testing.assert_allclose(constant, np.broadcast_to(whole.mean(0), constant.shape), atol=1e-4)


def test_a_rule_that_is_a_schedule_is_its_own_schedule():
    weights = np.zeros((6, 2))
    weights[0] = [-0.1, -0.4]
    eta = _eta(weights, [0.1, 0.2])
    schedule = variants(eta, {"one": _traces(), "two": _traces()})["schedule alone"]
    np.testing.assert_allclose(schedule["controls"]["w"], weights, atol=1e-5)
    np.testing.assert_allclose(schedule["controls"]["b"], [0.1, 0.2], atol=1e-5)


def test_variants_are_written_as_rules_that_can_be_tested(tmp_path):
    rule = find_rule("groove")
    made = {"whole rule": rule.eta["controls"], "schedule alone": {"w": np.zeros((6, 2)), "b": [0.5, -0.5]}}
    whole, schedule = map(
        find_rule, map(str, write_variants(rule, {"rule": "groove", "variants": made}, tmp_path / "new"))
    )
    assert (whole.config, schedule.config) == (rule.config, rule.config)
    np.testing.assert_array_equal(whole.eta["controls"]["w"], rule.eta["controls"]["w"])
    np.testing.assert_array_equal(schedule.eta["controls"]["b"], np.float32([0.5, -0.5]))
    with pytest.raises(ConfigError, match='the stored numbers are of "lpg": name that rule by --rule'):
        write_variants(rule, {"rule": "lpg", "variants": made}, tmp_path / "other")


def test_the_picture_and_the_table_show_every_task():
    factors = np.log(np.broadcast_to([0.5, 2.0], (3, 25, 2))).tolist()
    tasks = ("tables", "networks", "worlds")
    numbers = {"updates": dict.fromkeys(tasks, 250), "factors": dict.fromkeys(tasks, factors)}
    panels = draw(numbers).axes
    assert [axes.get_title(loc="left") for axes in panels[:3]] == [f"{task}, 250 updates" for task in tasks]
    for axes, value in zip(panels, [0.5] * 3 + [2.0] * 3, strict=True):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), value)
    leads = {task: {"whole rule": [0.123, 0.04], "schedule alone": [-0.05, 0.02]} for task in tasks}
    assert table(leads).splitlines()[2:] == [
        "| whole rule | +12 ± 4 | +12 ± 4 | +12 ± 4 |",
        "| schedule alone | -5 ± 2 | -5 ± 2 | -5 ± 2 |",
    ]


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_has_a_feature(name):
    facts = np.full(6, 0.5)
    changed = np.where(np.arange(6) == INPUTS.index(name), 0.75, facts)
    before, after = (np.asarray(control_features(ControlInputs(*x[:, None]))) for x in (facts, changed))
    assert np.flatnonzero(before - after).tolist() == [INPUTS.index(name)]
