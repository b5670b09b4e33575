"""Results of figures: matched by the rule's digest or by its label, and never pooled across versions."""

import dataclasses

import pytest

from figures.pipeline.figure import compared, results_of
from figures.pipeline.meta_tests import MetaTest
from figures.pipeline.plan import Plan
from groove.evaluation.results import Results
from groove.sweep.steps import MetaTraining
from groove.utils.errors import ConfigError

SMOKE = MetaTraining("groove", "ar", 0, "smoke")


def _store(results, rule, seed, cell):
    origin = {"rule": "lpg", "seed": seed}
    line = {"cell": cell, "task": "chain/tabular", "rule": rule, "settings": {"origin": origin}, "budget": "smoke"}
    line |= {"seeds": [0], "updates": [4], "env_steps": [80], "returns": [[[1.0]]]}
    Results(results).append("chain", line)


def test_results_are_found_by_label_and_two_versions_of_a_rule_are_not_pooled(tmp_path):
    tests = tuple(MetaTest(dataclasses.replace(SMOKE, seed=seed), ("chain",), "smoke", 1) for seed in (0, 1))
    for seed in (0, 1):
        _store(tmp_path, "groove", seed, f"cell{seed}")
    _store(tmp_path, "other", 0, "cell2")
    cells = results_of(Plan((), tests), tmp_path, tmp_path)
    assert compared(cells, ["groove"]).clusters == {"groove": 2}
    with pytest.raises(ConfigError, match="no results of lpg at this scale"):
        compared(cells, ["groove", "lpg"])
    _store(tmp_path, "groove", 1, "cell3")
    with pytest.raises(ConfigError, match="more than one groove of meta-seed 1 on chain/tabular"):
        compared(results_of(Plan((), tests), tmp_path, tmp_path), ["groove"])


def test_a_rule_that_is_there_is_known_by_what_it_is(tmp_path):
    test = MetaTest("a2c", ("chain/tabular",), "smoke", 1)
    (cell,) = test.cells(tmp_path)
    _store(tmp_path, "as somebody called it", None, cell)
    (found,) = results_of(Plan((), (test,)), tmp_path, tmp_path)
    assert found.rule == "a2c"
