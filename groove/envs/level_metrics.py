"""What levels are like, on average: those a curriculum trains on, beside those of the base distribution."""

from collections.abc import Callable

import jax
import numpy as np

from groove.envs.base import EnvFamily
from groove.types import PyTree


def make_level_metrics(env: EnvFamily) -> Callable[[PyTree, bool], dict[str, float]]:
    """Builds (levels [n], solve) -> the mean of each of the levels' features; NaN where no level has it.

    Args:
      env: the levels' family. One that does not describe its levels has no metrics.

    `solve` adds the mean optimal return where the family has a solver: exact, and a few milliseconds a level.
    """
    describe = jax.jit(jax.vmap(env.describe)) if env.describe else None
    solver = env.optimal_return
    solve = jax.jit(lambda levels: jax.lax.map(solver, levels)) if solver else None

    def metrics(levels: PyTree, solved: bool) -> dict[str, float]:
        levels = jax.device_get(levels)
        found = {} if describe is None else {name: _mean(values) for name, values in describe(levels).items()}
        if solved and solve is not None:
            found["optimal_return"] = _mean(solve(levels))
        return found

    return metrics


def _mean(values: jax.Array) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
