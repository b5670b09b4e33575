"""The table of skills: only registered tasks, every bucket known, and what can be checked is checked."""

import math

import pytest

from groove.envs.base import Box, Discrete
from groove.evaluation.progression.anchors import load_anchors
from groove.evaluation.progression.skills import BUCKETS, SKILLS
from groove.evaluation.suites.registry import SUITES, find_tasks

WITHOUT = {"development", "jaxtari", "atari"}  # chosen on; no anchors so far
TASKS = [task for name, suite in SUITES.items() if name not in WITHOUT for task in suite.tasks.values()]


def test_every_row_is_a_task_and_every_task_has_a_row():
    assert set(SKILLS) == {task.path for task in TASKS}
    for row in SKILLS.values():
        assert list(row.buckets) == list(BUCKETS)
        assert all(bucket in BUCKETS[skill] for skill, bucket in row.buckets.items())
        assert len(row.reason) > 10


def test_every_bucket_has_a_task():
    for skill, buckets in BUCKETS.items():
        assert {row.buckets[skill] for row in SKILLS.values()} == set(buckets)


@pytest.mark.parametrize("path", [task.path for task in TASKS if not SUITES[task.suite].extra])
def test_observation_and_actions_are_those_of_the_environment(path):
    env = find_tasks([path])[0].make()
    buckets, space = SKILLS[path].buckets, env.observation
    assert buckets["number of actions"] == (
        "2" if env.num_actions == 2 else "3 to 5" if env.num_actions < 6 else "6 and more"
    )
    if isinstance(space, Discrete):
        assert buckets["observation"] == "table"
    else:
        assert isinstance(space, Box)
        assert buckets["observation"] == ("up to 100 numbers" if math.prod(space.shape) <= 100 else "over 100 numbers")


# returns of random play at the budget laptop, rounded, from docs/results; the last two by definition
RANDOM = {
    "gridworld/random": 0.34,
    "gridworld/mazes": 0.27,
    "gridworld/dense": 0.38,
    "gridworld/sparse": -0.08,
    "gridworld/long_horizon": -0.9,
    "gridworld/longer_horizon": -0.44,
    "gridworld/long_dense": 11.6,
    "gridworld/random_very_dense": 5.2,
    "gridworld/random_long_horizon": -0.61,
    "classic/CartPole": 21.0,
    "bsuite/Catch": -0.78,
    "minatar/Asterix": 0.62,
    "minatar/Breakout": 0.4,
    "minatar/Freeway": 0.49,
    "minatar/SpaceInvaders": 4.1,
    "minatar/Seaquest": 0.12,
    "arcade/PacMan": 59.5,
    "arcade/Snake": 0.15,
    "chain/tabular": 0.0,
    "chain/distractor": 0.0,
}


@pytest.mark.parametrize("path", RANDOM)
def test_the_scale_of_rewards_is_that_of_the_anchors(path):
    task = find_tasks([path])[0]
    anchor = load_anchors().find(path, task.budgets["laptop"].levels)
    gain = anchor.best - RANDOM[path]
    assert SKILLS[path].buckets["reward scale"] == (
        "up to 3" if gain <= 3 else "up to 30" if gain <= 30 else "above 30"
    )
