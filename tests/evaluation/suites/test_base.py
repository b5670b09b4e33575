"""Budgets, tasks, and suites whose extra is missing."""

import pytest

from groove.evaluation.suites.agents import TABLE
from groove.evaluation.suites.base import BUDGETS, SMOKE, Budget, Suite, Task, budgets, by_name
from groove.utils.errors import GrooveError


@pytest.mark.parametrize(
    ("updates", "points", "expected"), [(10, 2, (5, 10)), (7, 3, (2, 4, 7)), (2, 10, (1, 2)), (5, 1, (5,))]
)
def test_points_are_spread_evenly_and_the_last_is_the_lifetime(updates, points, expected):
    assert Budget(updates, points=points).at == expected


def test_an_update_takes_the_steps_of_all_workers():
    assert Budget(1, workers=3, steps=5).rollout == 15


@pytest.mark.parametrize(("laptop", "paper", "long"), [(800, 100_000, 8000), (2500, 10_000, 10_000), (250, 100, 250)])
def test_the_long_budget_has_ten_times_the_lifetime_but_not_more_than_the_papers(laptop, paper, long):
    spent = budgets(SMOKE, Budget(laptop, workers=16, levels=4), Budget(paper))
    assert spent["long"] == Budget(long, workers=16, levels=4)


def test_the_short_budget_is_the_same_on_all_tasks_that_have_equal_rollouts():
    first, second = (
        budgets(SMOKE, spent, Budget(2500)) for spent in (Budget(800), Budget(500, 16, levels=4, points=2))
    )
    assert first["short"] == second["short"] == Budget(250, workers=8, levels=1, points=5)
    assert budgets(SMOKE, Budget(800, steps=5), Budget(2500))["short"].steps == 5


def test_tasks_have_a_path_and_share_programs_by_family():
    spent = budgets(SMOKE, SMOKE, SMOKE)
    alone, first, second = (
        Task("s", name, None, TABLE, spent, family=family) for name, family in zip("abc", ["", "f", "f"])
    )
    assert tuple(spent) == BUDGETS
    assert [task.path for task in (alone, first, second)] == ["s/a", "s/b", "s/c"]
    assert alone.program != first.program == second.program
    assert by_name([alone, first]) == {"a": alone, "b": first}


def test_a_missing_extra_is_named_with_the_command_that_installs_it(monkeypatch):
    suite = Suite("about", {}, extra="arcade", module="jumanji")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GrooveError, match=r'jumanji is not installed; run pip install "groove-rl\[arcade\]"'):
        suite.require_extra()
    Suite("about", {}).require_extra()
