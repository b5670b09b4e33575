"""Environments in another unit of reward."""

import dataclasses

from groove.envs.base import EnvFamily, Step
from groove.types import Array, PyTree


def in_unit(env: EnvFamily, unit: float) -> EnvFamily:
    """Return the family with all rewards, and the optimal return, multiplied by `unit`."""

    def step(level: PyTree, state: PyTree, action: Array, noise: PyTree) -> Step:
        result = env.step(level, state, action, noise)
        return dataclasses.replace(result, reward=unit * result.reward)

    solve = env.optimal_return
    optimal = None if solve is None else lambda level: unit * solve(level)
    return env._replace(step=step, optimal_return=optimal)
