"""Anchors made anew: the solver's mean over levels, the best stored rule, and files that keep other tasks."""

import numpy as np
import pytest

from groove.evaluation.progression.anchors import Anchor, load_anchors, save_anchors
from groove.evaluation.progression.measure import make_anchors, optimal_returns
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import find_tasks
from groove.utils.errors import ConfigError
from tests._helpers.cells import line


@pytest.fixture
def results(tmp_path):
    store = Results(tmp_path / "results")
    for cell, rule, returns in [
        ("a", "a2c", [[[0, 4], [0, 6]]]),  # ends at 4 and 6
        ("b", "mine", [[[0, 5], [0, 6]]]),  # two meta-seeds, which end at 5.5 and 7.5 on average
        ("c", "mine", [[[0, 7], [0, 8]]]),
    ]:
        store.append("minatar", line(cell, rule=rule, task="minatar/Breakout", budget="laptop", returns=returns))
    store.append(
        "minatar", line("d", rule="one", task="minatar/Breakout", budget="laptop", seeds=(0,), returns=[[[9, 9]]])
    )
    return store.folder


def test_the_best_stored_rule_of_more_than_one_agent_is_the_anchor(tmp_path, results):
    (anchor,) = make_anchors(results, tmp_path / "a.json", "minatar/Breakout")
    assert (anchor.best, anchor.standard_error, anchor.agents, anchor.kind) == (6.5, 1.0, 4, "measured")
    assert "2 meta-seeds of mine after 20 steps (budget laptop)" in anchor.source
    assert list(load_anchors(tmp_path / "a.json")) == [anchor]


def test_other_tasks_of_the_file_stay(tmp_path, results):
    other = Anchor("minatar/Asterix", 3.0, "measured", "elsewhere", None, 0.5, 5)
    save_anchors(tmp_path / "a.json", [other, Anchor("minatar/Breakout", 1.0, "measured", "old", None, 0.5, 5)])
    make_anchors(results, tmp_path / "a.json", ["minatar/Breakout", "bsuite/Catch"])
    anchors = load_anchors(tmp_path / "a.json")
    assert anchors.find("minatar/Asterix", 1) == other
    assert anchors.find("minatar/Breakout", 1).best == 6.5
    assert anchors.find("bsuite/Catch", 1).kind == "exact"


def test_the_solver_is_averaged_over_the_levels_of_every_budget(tmp_path):
    (task,) = find_tasks(["gridworld/sparse"])
    best = optimal_returns(task, task.make(), 1)
    np.testing.assert_allclose(best, [1.0])  # one reward of 1, reached within the time limit
    anchors = make_anchors(tmp_path / "nothing", tmp_path / "a.json", "chain/tabular")
    assert [(anchor.levels, anchor.best, anchor.kind) for anchor in anchors] == [
        (1, 1.0, "exact"),
        (16, 1.0, "exact"),
        (64, 1.0, "exact"),
    ]


def test_nothing_to_make_costs_one_line(tmp_path):
    with pytest.raises(ConfigError, match="holds no results of these tasks"):
        make_anchors(tmp_path / "nothing", tmp_path / "a.json", "minatar")
    assert not (tmp_path / "a.json").exists()
