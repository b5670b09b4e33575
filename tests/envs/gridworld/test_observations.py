"""Observations of gridworlds: their declared spaces, shapes and types, and the noise of a family."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.base import Box, Discrete, MultiHot
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.gridworld.observations import GridState, observation_space, observe
from tests._helpers.reference import level_of

KINDS = [("index", "fixed"), ("features", "fixed"), ("planes", "fixed"), ("planes", "random")]
SPACES = {
    "index": (Discrete(36 * 16), (), jnp.int32),
    "features": (MultiHot(36 + 4, 5), (5,), jnp.int32),
    "planes": (Box((6, 6, 6)), (6, 6, 6), jnp.float32),
}


@pytest.mark.parametrize(("observation", "placement"), KINDS)
def test_spaces_and_noise_are_as_declared(observation, placement):
    sizes = GridSizes(side=6, objects=4)
    family = make_gridworld(sizes, LevelDistribution(max_size=6, max_objects=4), observation, placement)
    noise = family.noise(jax.random.key(0), (7, 2))
    assert all(leaf.shape[:2] == (7, 2) for leaf in jax.tree.leaves(noise))
    level = jax.jit(family.sample_level)(jax.random.key(1))
    _, obs = jax.jit(family.reset)(level, jax.tree.map(lambda leaf: leaf[0, 0], noise))
    assert (family.observation, obs.shape, obs.dtype) == SPACES[observation]
    assert observation_space(observation, sizes) == family.observation
    assert family.num_actions == 5
    assert family.lifetime(level) == level.lifetime
    assert family.max_steps(level) == level.max_steps


def test_each_kind_shows_the_agent_and_the_present_objects():
    sizes = GridSizes(side=3, objects=2)
    level = level_of("S#. .a. b..", {"a": (1.0, 0.5, 0.1), "b": (-1.0, 0.0, 1.0)}, 10, sizes)
    state = GridState(jnp.int32(1), jnp.int32(2), present=jnp.int32(0b10), time=jnp.int32(3), object_cell=None)
    assert observe("index", level, state, sizes) == 5 + 9 * 0b10
    assert observe("features", level, state, sizes).tolist() == [5, -1, 10]
    planes = np.asarray(observe("planes", level, state, sizes)).reshape(9, 4)
    assert [np.flatnonzero(planes[:, i]).tolist() for i in range(4)] == [[5], [1], [], [6]]


def test_planes_show_moved_objects_where_they_are():
    sizes = GridSizes(side=3, objects=2)
    level = level_of("S#. .a. b..", {"a": (1.0, 0.5, 0.1), "b": (-1.0, 0.0, 1.0)}, 10, sizes)
    cells = jnp.array([8, -1], jnp.int32)
    state = GridState(jnp.int32(0), jnp.int32(0), present=jnp.int32(0b01), time=jnp.int32(0), object_cell=cells)
    planes = np.asarray(observe("planes", level, state, sizes)).reshape(9, 4)
    assert [np.flatnonzero(planes[:, i]).tolist() for i in range(4)] == [[0], [1], [8], []]
