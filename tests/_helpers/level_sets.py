"""Small level sets."""

import jax
import numpy as np

from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level

SIZES = GridSizes(side=6, objects=3)


def four_levels():
    """Return four random levels, of which the second has no score and the third has the highest."""
    distribution = LevelDistribution(max_size=6, max_objects=3, walls=4)
    levels = jax.vmap(lambda k: sample_level(k, distribution, SIZES))(jax.random.split(jax.random.key(0), 4))
    scores = np.asarray([1.0, np.nan, 3.0, 2.0], np.float32)
    return LevelSet(jax.tree.map(np.asarray, levels), SIZES, scores, {"of": "a test"})
