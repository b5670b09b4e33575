"""Scores for choosing a rule: normalised by hand, and refused on held-out tasks."""

import numpy as np
import pytest

from groove.dropin.find import find_rule
from groove.evaluation.releases.development_score import development_score, level_score
from groove.evaluation.results import Results
from groove.utils.errors import ConfigError
from tests._helpers.cells import line


def _store(folder, returns):
    results = Results(folder)
    for rule, value in returns.items():
        identity = find_rule(rule).identity
        changes = {"task": "development/tables", "rule_identity": identity, "updates": [1], "env_steps": [5]}
        changes["budget"] = "laptop"
        results.append("development", line(identity, (0,), rule, [[[value]]], **changes))
    return results


def test_random_play_is_zero_and_a2c_is_one(tmp_path):
    results = _store(tmp_path, {"random": 1.0, "a2c": 3.0, "groove": 2.5})
    for rule, score in (("random", 0.0), ("a2c", 1.0), ("groove", 0.75)):
        assert development_score(results, rule, ["development/tables"]) == score


def test_results_of_other_budgets_do_not_count(tmp_path):
    results = _store(tmp_path, {"random": 1.0, "a2c": 3.0, "groove": 2.5})
    changes = {"task": "development/tables", "rule_identity": find_rule("groove").identity, "budget": "smoke"}
    results.append("development", line("short", (0,), "groove", [[[1.0]]], **changes))
    assert development_score(results, "groove", ["development/tables"]) == 0.75


def test_levels_are_clipped_and_those_without_a_gain_left_out():
    returns, low, high = np.array([9.0, -9.0, 1.0, 7.0]), np.zeros(4), np.array([2.0, 2.0, 2.0, 0.01])
    assert level_score(returns, low, high) == pytest.approx((2.0 - 1.0 + 0.5) / 3)


def test_held_out_tasks_and_missing_results_are_refused(tmp_path):
    results = _store(tmp_path, {"random": 1.0, "groove": 2.5})
    with pytest.raises(ConfigError, match="minatar/Breakout is held out"):
        development_score(results, "groove", ["minatar/Breakout"])
    with pytest.raises(ConfigError, match="holds no results of a2c on development/tables"):
        development_score(results, "groove", ["development/tables"])
    with pytest.raises(ConfigError, match="holds no results of a2c, lpg on development/tables"):
        development_score(results, "lpg", ["development/tables"])
