"""Equal levels have equal hashes, and every part of a level counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.identity import content_hash
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.registry import make_env


@pytest.mark.parametrize("name", ["networks", pytest.param("broad", marks=pytest.mark.slow), "chain"])
def test_levels_have_hashes_of_their_own(name):
    env = make_env(name, LevelDistribution(), GridSizes())
    levels = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(0), 256))
    hashes = np.asarray(content_hash(levels))
    again = np.asarray(content_hash(jax.tree.map(lambda x: x[::-1], levels)))[::-1]
    np.testing.assert_array_equal(hashes, again)
    rows = [b"".join(np.asarray(leaf[i]).tobytes() for leaf in jax.tree.leaves(levels)) for i in range(256)]
    assert len(np.unique(hashes, axis=0)) == len(set(rows))


def test_every_number_of_a_level_counts():
    level = {"a": jnp.zeros((1, 5)), "b": jnp.zeros((1, 2, 3), jnp.int8), "c": jnp.zeros((1,), bool)}
    hashes = {bytes(np.asarray(content_hash(level)))}
    for name, leaf in level.items():
        for i in range(leaf.size):
            changed = leaf.reshape(-1).at[i].set(jnp.ones((), leaf.dtype)).reshape(leaf.shape)
            hashes.add(bytes(np.asarray(content_hash(level | {name: changed}))))
    assert len(hashes) == 1 + 5 + 6 + 1
    assert bytes(np.asarray(content_hash(level | {"a": -level["a"]}))) in hashes, "-0 is 0"
