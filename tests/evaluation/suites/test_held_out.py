"""No level that the released rules are meta-trained on is a level of the suite that tests them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.sources.registry import make_source
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.envs.mixture import MixedLevel
from groove.evaluation.suites.registry import SUITES
from groove.evaluation.tester import task_levels

TRAINED_ON = ("varied", "broad")  # the sources of the released rules


def identities(levels):
    """Return what makes each level what it is, whatever the static sizes: the lifetime does not belong to it."""
    levels = jax.tree.map(np.asarray, levels)
    side = math.isqrt(levels.walls.shape[-1])
    for i in range(len(levels.size)):
        size = int(levels.size[i])
        cells = levels.object_cell[i]
        facts = np.stack([levels.object_reward[i], levels.p_terminate[i], levels.p_respawn[i]], axis=-1)
        objects = sorted((*divmod(int(c), side), *map(float, f)) for c, f in zip(cells, facts, strict=True) if c >= 0)
        walls = levels.walls[i].reshape(side, side)[:size, :size]
        start = divmod(int(levels.start[i]), side)
        yield size, walls.tobytes(), start, tuple(objects), float(levels.step_reward[i]), int(levels.max_steps[i])


@pytest.fixture(scope="module")
def held_out():
    found = {}
    for task in SUITES["gridworld"].tasks.values():
        levels = task_levels(task, task.make(), 256)
        found |= {identity: task.path for identity in identities(levels)}
    return found


@pytest.mark.parametrize("source", TRAINED_ON)
def test_no_level_of_meta_training_is_held_out(source, held_out):
    env = make_source(source, LevelDistribution(), GridSizes(), jax.random.key(0))
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), jnp.arange(2048))
    levels = jax.jit(jax.vmap(env.sample_level))(keys)
    if isinstance(levels, MixedLevel):
        (levels,) = (own for own in levels.levels if isinstance(own, GridLevel))
    trained_on = set(identities(levels))
    assert len(trained_on) == 2048
    assert not trained_on & held_out.keys()


def test_the_identity_of_a_level_does_not_depend_on_its_padding(held_out):
    mazes = SUITES["gridworld"].tasks["mazes"]
    again = task_levels(mazes, mazes.make(), 4)
    assert {held_out[identity] for identity in identities(again)} == {"gridworld/mazes"}
    small, large = (
        make_source("dr", LevelDistribution(), GridSizes(side=side, objects=5), jax.random.key(0)) for side in (10, 13)
    )
    key = jax.random.split(jax.random.key(1), 32)
    first, second = (list(identities(jax.vmap(env.sample_level)(key))) for env in (small, large))
    assert first == second
