"""Gridworlds built placement by placement: always valid, random under uniform choices, and built again from choices."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.editor import make_editor
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level
from tests._helpers.reference import nth

SIZES = GridSizes(side=6, objects=4)
DIST = LevelDistribution(min_size=3, max_size=5, walls=8, max_objects=3, max_steps=50)
EDITOR = make_editor(DIST, SIZES)
N = 200


def build(editor, key, choose):
    """Build one level; `choose` maps (key, allowed) to a cell. Returns the level and the choices."""

    def step(draft, now):
        t, own_key = now
        allowed = editor.allowed(draft, t)
        choice = jnp.where(allowed.any(), choose(own_key, allowed), -1).astype(jnp.int32)
        return editor.place(draft, t, choice), (choice, editor.observe(draft, t))

    level_key, choice_key = jax.random.split(key)
    keys = jax.random.split(choice_key, editor.placements)
    draft, (choices, seen) = jax.lax.scan(step, editor.begin(level_key), (jnp.arange(editor.placements), keys))
    return editor.finish(draft), choices, seen


def uniform(key, allowed):
    return jax.random.categorical(key, jnp.where(allowed, 0.0, -jnp.inf))


def last(key, allowed):
    return allowed.shape[0] - 1 - jnp.argmax(allowed[::-1])


@partial(jax.jit, static_argnums=(0, 1))
def build_all(choose, count, seed=0):
    return jax.vmap(lambda key: build(EDITOR, key, choose))(jax.random.split(jax.random.key(seed), count))


def test_every_level_is_valid_and_within_its_sizes():
    for choose in (uniform, last):  # always the last cell: the most crowded corner
        levels, choices, _ = build_all(choose, N)
        for n in range(N):
            check_level(nth(levels, n), SIZES)
        objects = (np.asarray(levels.object_cell) >= 0).sum(1)
        assert set(objects) == {1, 2, 3}
        np.testing.assert_array_equal(objects, (choices[:, 1:4] >= 0).sum(1))
        assert set(np.asarray(levels.size)) == {3, 4, 5}


def test_uniform_choices_build_random_levels():
    """Walls apart: places are uniform, and all numbers are those of designed levels."""
    family = make_gridworld(SIZES, DIST)
    built = build_all(uniform, 4000)[0]
    drawn = jax.vmap(family.design.make)(jax.random.uniform(jax.random.key(1), (4000, family.design.draws)))
    for field in dataclasses.fields(built):
        if field.name not in ("walls", "start", "object_cell"):
            ours, theirs = (np.asarray(getattr(x, field.name), float) for x in (built, drawn))
            assert np.abs(ours.mean(0) - theirs.mean(0)).max() < 0.1 * max(theirs.std(), 1e-6), field.name
    small = np.asarray(built.size) == 3
    cells = [row * SIZES.side + col for row in range(3) for col in range(3)]
    for places in (built.start, built.object_cell[:, 0]):
        share = np.bincount(np.asarray(places)[small], minlength=SIZES.cells)[cells] / small.sum()
        np.testing.assert_allclose(share, 1 / 9, atol=0.04)
    walls, most = (np.asarray(x.walls).sum(1) for x in (built, drawn))
    assert (
        0.6
        < (walls - SIZES.cells + np.asarray(built.size) ** 2).mean()
        / (most - SIZES.cells + np.asarray(drawn.size) ** 2).mean()
        < 1
    )


def test_choices_build_the_same_level_again_and_are_seen_as_before():
    levels, choices, seen = build_all(uniform, 50)

    @jax.jit
    @jax.vmap
    def again(level, choices):
        def step(draft, now):
            return EDITOR.place(draft, *now), EDITOR.observe(draft, now[0])

        draft, seen = jax.lax.scan(step, EDITOR.again(level, choices), (jnp.arange(EDITOR.placements), choices))
        return EDITOR.finish(draft), seen

    levels_again, seen_again = again(levels, choices)
    jax.tree.map(np.testing.assert_array_equal, levels_again, levels)
    np.testing.assert_array_equal(seen_again, seen)
    assert seen.shape == (50, EDITOR.placements, EDITOR.width)


def test_an_observation_shows_the_draft_and_what_comes_next():
    level = nth(build_all(uniform, 1)[0], 0)
    level = dataclasses.replace(
        level,
        object_cell=jnp.asarray([0, 1, -1, -1]),
        object_reward=jnp.asarray([0.5, -0.25, 0.0, 0.0]),
        p_terminate=jnp.asarray([0.125, 1.0, 0.0, 0.0]),
        p_respawn=jnp.asarray([0.0625, 0.5, 0.0, 0.0]),
    )
    choices = jnp.full(EDITOR.placements, -1).at[jnp.arange(6)].set(jnp.asarray([7, 0, 1, -1, 2, 8]))
    draft = EDITOR.again(level, choices)
    for t in range(5):  # start, two objects, none, one of two walls
        draft = EDITOR.place(draft, t, choices[t])
    planes, context = np.split(np.asarray(EDITOR.observe(draft, 5)), [4 * SIZES.cells])
    walls, start, objects, rewards = planes.reshape(4, SIZES.cells)
    assert walls[2] == 1
    assert np.flatnonzero(start).tolist() == [7]
    assert np.flatnonzero(objects).tolist() == [0, 1]
    assert rewards[:2].tolist() == [0.5, -0.25]
    assert context[:3].tolist() == [0, 0, 1]
    np.testing.assert_allclose(context[6:8], [1 / 16, 0])  # one of at most sixteen walls is left, and no object
    first = np.asarray(EDITOR.observe(EDITOR.again(level, choices), 1))[4 * SIZES.cells :]
    assert first[:6].tolist() == [0, 1, 0, 0.5, 0.125, 0.0625]
    assert not np.asarray(EDITOR.allowed(draft, 3)).any(), "the level has no third object"
