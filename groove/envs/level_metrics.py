"""Mean features of a batch of levels, for the logs of a training run."""

from collections.abc import Callable

import jax
import numpy as np

from groove.envs.base import EnvFamily
from groove.types import PyTree
from groove.utils.processes import to_host


def make_level_metrics(env: EnvFamily) -> Callable[[PyTree, bool], dict[str, float]]:
    """Build the function (levels [n], solve) -> mean features of the levels, name -> float.

    The features are those of `env.describe`. A mean skips levels where the feature is NaN, and is NaN if all of them
    are. With `solve`, the function adds the mean optimal return; the exact solver takes a few milliseconds a level.

    Args:
      env: the family of the levels. A family without `describe` or `optimal_return` lacks the metrics of that function.
    """
    describe = jax.jit(jax.vmap(env.describe)) if env.describe else None
    solver = env.optimal_return
    solve = jax.jit(lambda levels: jax.lax.map(solver, levels)) if solver else None

    def metrics(levels: PyTree, solved: bool) -> dict[str, float]:
        levels = to_host(levels)
        features = {} if describe is None else {name: _mean(values) for name, values in describe(levels).items()}
        if solved and solve is not None:
            features["optimal_return"] = _mean(solve(levels))
        return features

    return metrics


def _mean(values: jax.Array) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
