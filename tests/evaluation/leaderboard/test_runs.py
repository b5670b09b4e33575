"""Resamples of runs: their mean and variance by hand, meta-seeds that tasks share, and unequal numbers of agents."""

import numpy as np
import pytest

from groove.evaluation.leaderboard.runs import THRESHOLDS, Runs
from groove.evaluation.leaderboard.tasks import Column, RankedTask
from groove.evaluation.progression.anchors import Anchor
from tests._helpers.cells import cell

TASKS = {
    path: RankedTask(path, Anchor(path, 10.0, "exact", "by hand"), 0.0, 0.0, 2, 1, (10,)) for path in ("s/a", "s/b")
}
FIRST, BOTH = Column("first", "suites", "s", {"s/a": 1.0}), Column("both", "suites", "s", {"s/a": 0.5, "s/b": 0.5})


def runs(seed=0, **by_task):
    """Return the runs of a rule whose meta-seeds have these returns on the tasks s/a and s/b."""
    cells = {
        f"s/{name}": {str(i): cell(f"s/{name}", "mine", [returns], meta_seed=i) for i, returns in enumerate(group)}
        for name, group in by_task.items()
    }
    return Runs("mine", cells, TASKS, seed)


def test_resamples_of_agents_have_the_variance_of_a_mean():
    scores = np.arange(10.0) / 10
    values = runs(a=[10 * scores]).resamples(FIRST)
    assert values.mean() == pytest.approx(scores.mean(), abs=0.01)
    assert values.std() == pytest.approx(scores.std() / np.sqrt(10), rel=0.1)


def test_meta_seeds_are_drawn_once_for_all_tasks():
    """Meta-seeds at 0.2 and 0.8 on both tasks vary as much as on one; agents, drawn for each task, vary less."""
    alone, both = runs(a=[[2.0], [8.0]]), runs(a=[[2.0], [8.0]], b=[[2.0], [8.0]])
    np.testing.assert_allclose(both.resamples(BOTH), alone.resamples(FIRST))
    agents = runs(a=[[2.0, 8.0]], b=[[2.0, 8.0]])
    assert agents.resamples(BOTH).std() == pytest.approx(agents.resamples(FIRST).std() / np.sqrt(2), rel=0.1)


def test_few_agents_on_one_task_take_none_from_another():
    many = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]
    whole, thin = runs(a=many), runs(a=many, b=[[5.0]])
    np.testing.assert_array_equal(whole.resamples(FIRST), thin.resamples(FIRST))
    np.testing.assert_array_equal(whole.profile(FIRST), thin.profile(FIRST))
    assert thin.varies(FIRST)
    assert not thin.varies(BOTH)  # a single run on the second task


def test_a_column_counts_the_meta_seeds_of_all_its_tasks():
    some = runs(a=[[2.0, 2.0], [8.0, 8.0]], b=[[4.0, 4.0]])
    assert some.meta_seeds(FIRST) == ["0", "1"]
    assert some.meta_seeds(BOTH) == ["0"]
    np.testing.assert_allclose(some.resamples(BOTH), 0.3)


def test_every_task_and_meta_seed_counts_the_same_in_a_profile_whatever_its_number_of_agents():
    profile = runs(a=[[1.0], [9.0, 9.0, 9.0]], b=[[9.0], [9.0]]).profile(BOTH)
    assert profile.value[np.searchsorted(THRESHOLDS, 0.5)] == pytest.approx((0.5 + 1.0) / 2)
