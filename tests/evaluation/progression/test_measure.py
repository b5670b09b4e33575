"""Anchors made anew: the solver's mean over levels, the best stored rule, and files that keep other tasks."""

from pathlib import Path

import numpy as np
import pytest

from groove.evaluation.progression.anchors import ANCHORS_FILE, Anchor, load_anchors, save_anchors
from groove.evaluation.progression.measure import make_anchors, measured, optimal_returns
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import find_tasks
from groove.utils.errors import ConfigError
from tests._helpers.cells import line

REPOSITORY = Path(__file__).parents[3]


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


def test_meta_seeds_of_one_agent_each_count_and_two_settings_of_a_hand_written_rule_do_not(tmp_path):
    store, (task,) = Results(tmp_path / "stored"), find_tasks(["minatar/Breakout"])
    for rule, cell, value in [("mine", "a", 6.0), ("mine", "b", 8.0), ("ppo", "c", 9.0), ("ppo", "d", 9.5)]:
        store.append(
            "minatar",
            line(
                cell,
                rule=rule,
                task=task.path,
                budget="laptop",
                seeds=(0,),
                returns=[[[0, value]]],
                settings={"origin": {"rule": "lpg" if rule == "mine" else "ppo"}},
            ),
        )
    (anchor,) = measured(task, store.cells(), tmp_path / "stored")
    assert (anchor.best, anchor.agents) == (7.0, 2)
    assert "2 meta-seeds of mine" in anchor.source


def test_the_anchors_that_come_with_groove_are_those_of_the_stored_results():
    folder = REPOSITORY / "docs" / "results" / "released"
    cells, known = Results(folder).cells(), load_anchors(ANCHORS_FILE)
    stored = {anchor.task: anchor for anchor in known if anchor.kind == "measured"}
    assert len(stored) > 5
    for path, anchor in stored.items():
        assert list(measured(*find_tasks([path]), cells, folder)) == [anchor]
