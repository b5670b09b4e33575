"""The suite `development`: tasks by which rules may be chosen.

Levels are drawn from the distribution of meta-training; agents and rollouts may differ from those of meta-training.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.random_mdp import make_random_mdps
from groove.envs.reward_unit import in_unit
from groove.envs.worlds.family import make_worlds
from groove.evaluation.suites.agents import CLASSIC, MLP, TABLE
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name
from groove.evaluation.suites.gridworld import make_random_levels

_SHORT = budgets(SMOKE, Budget(250, workers=16, levels=64, points=5), Budget(2500, levels=256, episodes=64))
_LONG = budgets(SMOKE, Budget(1000, workers=16, levels=64, points=5), Budget(10_000, levels=256, episodes=64))
# the same number of steps per update, in rollouts so short that only predictions tell what comes after them
_PIECES = {name: replace(budget, steps=5, workers=4 * budget.workers) for name, budget in _LONG.items()}


def _in_unit(unit: float) -> EnvFamily:
    return in_unit(make_gridworld(GridSizes(), LevelDistribution(), "features"), unit)


def _features(levels: LevelDistribution) -> Callable[[], EnvFamily]:
    return partial(make_gridworld, GridSizes(), levels, "features")


SUITE = Suite(
    "random gridworlds to choose rules by: tables, networks, paying steps, short rollouts; to tune on nothing else",
    by_name(
        [
            Task("development", "tables", make_random_levels, TABLE, _SHORT),
            Task("development", "networks", _features(LevelDistribution()), CLASSIC, _LONG),
            Task("development", "paying_steps", _features(LevelDistribution(step_reward_share=1.0)), CLASSIC, _LONG),
            Task("development", "short_rollouts", _features(LevelDistribution()), CLASSIC, _PIECES),
        ]
    ),
    optional=by_name(
        [
            Task("development", "small_rewards", partial(_in_unit, 0.01), CLASSIC, _LONG),
            Task("development", "large_rewards", partial(_in_unit, 100.0), CLASSIC, _LONG),
            Task("development", "worlds", partial(make_worlds, LevelDistribution()), MLP, _LONG, batch=4),
            Task("development", "random_mdp", make_random_mdps, CLASSIC, _LONG),
        ]
    ),
)
