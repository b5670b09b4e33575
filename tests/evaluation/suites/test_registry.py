"""All suites: every task has every budget and fits its agent; names are found or corrected."""

import re

import pytest

from groove.agents.agent import make_agent
from groove.evaluation.suites.base import BUDGETS
from groove.evaluation.suites.registry import SUITES, find_tasks
from groove.utils.errors import GrooveError


@pytest.mark.parametrize("path", [task.path for suite in SUITES.values() for task in suite.tasks.values()])
def test_every_task_has_every_budget_and_fits_its_agent(path):
    (task,) = find_tasks([path])
    assert tuple(task.budgets) == BUDGETS
    for budget in task.budgets.values():
        assert budget.at[-1] == budget.updates
        assert len(set(budget.at)) == len(budget.at) == min(budget.points, budget.updates)
    try:
        SUITES[task.suite].require()
    except GrooveError as missing:  # jaxtari or its sprites: the task must give the same advice
        assert task.make is not None
        with pytest.raises(GrooveError, match=re.escape(str(missing))):
            task.make()
        return
    if task.make is not None:
        env = task.make()
        make_agent(env.observation, {"logits": env.num_actions}, task.agent)


def test_names_of_tasks_agree_with_their_places():
    for name, suite in SUITES.items():
        for tasks in (suite.tasks, suite.optional):
            assert all(task.path == f"{name}/{key}" for key, task in tasks.items())


def test_tasks_are_found_once_in_the_order_given():
    paths = [task.path for task in find_tasks(["chain/distractor", "chain", "atari/zaxxon"])]
    assert paths == ["chain/distractor", "chain/tabular", "atari/zaxxon"]
    assert "atari/zaxxon" not in [task.path for task in find_tasks(["atari"])]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["minatr"], 'unknown suite "minatr" (did you mean "minatar"?)'),
        (["minatar/Breakot"], 'unknown task of minatar "Breakot" (did you mean "Breakout"?)'),
        ([], "no suite was given"),
    ],
)
def test_mistakes_are_named(names, complaint):
    with pytest.raises(GrooveError, match=re.escape(complaint)):
        find_tasks(names)
