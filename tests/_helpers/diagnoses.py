"""A diagnosis made by hand."""

import jax
import numpy as np

from groove.envs.gridworld.features import describe
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level
from groove.evaluation.failures.diagnosis import Diagnosis
from groove.evaluation.suites.base import Budget

N = 40


def diagnosis(**features):
    """Return a diagnosis of N random levels in which the rule has 0 and A2C has i on level i."""
    keys = jax.random.split(jax.random.key(0), N)
    levels = jax.jit(jax.vmap(lambda k: sample_level(k, LevelDistribution(), GridSizes())))(keys)
    described = jax.jit(jax.vmap(lambda level: describe(level, GridSizes())))(levels)
    known = {name: np.asarray(x, float) for name, x in described.items()} | features
    a2c = np.arange(N, dtype=float)
    return Diagnosis(jax.tree.map(np.asarray, levels), known, np.zeros(N), a2c, "mine", Budget(5), seeds=1)
