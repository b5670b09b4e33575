"""ACCEL's edits: always valid, each kind equally often, and each changes only its own fields."""

import collections
import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.edits import mutate, perturb
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level, sample_level
from tests._helpers.reference import draw, level_of, nth

SIZES = GridSizes(side=6, objects=4)
DIST = LevelDistribution(min_size=3, max_size=5, walls=8, max_objects=4, min_terminate=0.2, min_respawn=0.05)
CROWDED = dataclasses.replace(DIST, min_size=2, walls=25, max_objects=3)
EDITS = ["toggle", "start", "move", "add", "remove", "redraw"]


@functools.partial(jax.jit, static_argnums=(2, 3))
def edit_all(key, levels, sizes, edits):
    keys = jax.random.split(key, levels.start.shape[0])
    return jax.vmap(lambda key, level: mutate(key, level, DIST, sizes, edits))(keys, levels)


def edited(seed, levels, sizes=SIZES, edits=1):
    return jax.tree.map(np.asarray, edit_all(jax.random.key(seed), levels, sizes, edits))


def changes(before, after):
    """Return the changed indices of each changed field."""
    pairs = {f.name: (getattr(before, f.name), getattr(after, f.name)) for f in dataclasses.fields(before)}
    where = {name: np.flatnonzero(np.asarray(a) != b) for name, (a, b) in pairs.items()}
    return {name: index for name, index in where.items() if len(index)}


def kind_of(before, after):
    """Return the kind of edit that leads from one level to the other; None if the levels are equal."""
    changed = changes(before, after)
    numbers = {"object_reward", "p_terminate", "p_respawn"}
    held = {int(before.start), *map(int, before.object_cell)}
    if not changed:
        return None
    if changed.keys() == {"walls"}:
        (cell,) = changed["walls"]
        row, col = divmod(int(cell), SIZES.side)
        assert max(row, col) < before.size
        assert cell not in held
        return "toggle"
    if changed.keys() == {"start"}:
        assert not before.walls[after.start]
        assert after.start not in held
        return "start"
    (o,) = {int(o) for index in changed.values() for o in index}  # one object only
    was, now = int(before.object_cell[o]), int(after.object_cell[o])
    assert changed.keys() <= {"object_cell", *numbers}
    if now == -1:
        assert not any(getattr(after, name)[o] for name in numbers)
        assert (before.object_cell >= 0).sum() > 1
        return "remove"
    if now != was:
        assert not before.walls[now]
        assert now not in held
    if was == now or was == -1:
        assert numbers <= changed.keys()
        assert -1 <= after.object_reward[o] <= 1
        assert 0.199 < after.p_terminate[o] <= 1
        assert 0.0499 < after.p_respawn[o] <= 0.1
        return "redraw" if was == now else "add"
    assert changed.keys() == {"object_cell"}
    return "move"


def repeat(level, count):
    return jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], count, 0), level)


ROOMY = level_of("S.#.. .a... ..#.. ...b. ....#", {"a": (2.0, 0.5, 0.5), "b": (2.0, 0.5, 0.5)}, 20, SIZES)


def test_each_edit_is_drawn_equally_often_and_changes_one_thing():
    after = edited(0, repeat(ROOMY, 3000))
    before = jax.tree.map(np.asarray, ROOMY)
    seen = collections.Counter(kind_of(before, nth(after, n)) for n in range(3000))
    assert seen.keys() == set(EDITS)
    np.testing.assert_allclose([seen[kind] / 3000 for kind in EDITS], 1 / 6, atol=0.03)


def test_cells_are_drawn_uniformly():
    after = edited(1, repeat(ROOMY, 6000))
    before = jax.tree.map(np.asarray, ROOMY)
    inner = [row * 6 + col for row in range(5) for col in range(5)]
    held = {int(before.start), *before.object_cell.tolist()}
    toggled = (after.walls != before.walls).sum(0)[[cell for cell in inner if cell not in held]]
    assert (len(toggled), toggled.sum()) == (22, (after.walls != before.walls).sum())
    starts = np.bincount(after.start[after.start != before.start], minlength=36)
    starts = starts[[cell for cell in inner if not before.walls[cell] and cell not in held]]
    for counts in (toggled, starts):
        expected = counts.sum() / len(counts)
        assert ((counts - expected) ** 2 / expected).sum() < 2 * len(counts)  # chi squared


@pytest.mark.parametrize("dist", [DIST, CROWDED])
def test_edited_levels_stay_valid(dist):
    levels = draw(lambda key: sample_level(key, dist, SIZES), 3, 256)
    kinds = collections.Counter()
    for seed in range(4):
        after = edited(seed, levels)
        kinds.update(kind_of(nth(levels, n), nth(after, n)) for n in range(256))
        levels = edited(seed, after, edits=20)
        for n in range(256):
            level = nth(levels, n)
            check_level(level, SIZES)
            assert level.start not in level.object_cell
            assert (level.object_cell >= 0).any()
            assert not (level.object_reward[level.object_cell < 0]).any()
    assert kinds.keys() == {*EDITS, None}


def test_the_last_object_and_full_levels_stay():
    sizes = GridSizes(side=2, objects=3)
    full = level_of("Sa bc", {mark: (2.0, 0.5, 0.5) for mark in "abc"}, 9, sizes)
    after = edited(0, repeat(full, 300), sizes)
    np.testing.assert_array_equal(after.walls, np.zeros((300, 4), bool))
    np.testing.assert_array_equal(after.start, np.zeros(300))
    assert ((after.object_cell == full.object_cell) | (after.object_cell == -1)).all()
    lonely = edited(0, repeat(level_of("Sa ##", {"a": (2.0, 0.5, 0.5)}, 9, sizes), 300), sizes)
    assert (lonely.object_cell[:, 0] == 1).all()


def test_a_key_determines_the_edits_and_several_do_more_than_one():
    levels = repeat(ROOMY, 64)
    once, again, other = (edited(seed, levels, edits=20) for seed in (0, 0, 1))
    jax.tree.map(np.testing.assert_array_equal, once, again)
    assert (once.walls != other.walls).any()
    before = jax.tree.map(np.asarray, ROOMY)
    several = [changes(before, nth(once, n)) for n in range(64)]
    assert np.mean([len(changed) for changed in several]) > 4
    assert not any({"size", "max_steps", "lifetime"} & changed.keys() for changed in several)


def test_families_mutate_their_levels():
    family = make_gridworld()
    level = nth(draw(family.sample_level, 0, 1), 0)
    after = jax.tree.map(np.asarray, jax.jit(family.mutate)(jax.random.key(0), jax.tree.map(jnp.asarray, level)))
    check_level(after, GridSizes())
    assert changes(level, after)


PERTURBED = ("object_reward", "p_terminate", "p_respawn", "max_steps", "step_reward")


@functools.partial(jax.jit, static_argnums=(2, 3))
def perturb_all(key, levels, dist, scale):
    keys = jax.random.split(key, levels.start.shape[0])
    return jax.vmap(lambda key, level: perturb(key, level, dist, scale))(keys, levels)


def perturbed(levels, dist, scale):
    return jax.tree.map(np.asarray, perturb_all(jax.random.key(1), levels, dist, scale))


def test_noise_changes_the_numbers_of_a_level_and_nothing_else_and_leaves_it_valid():
    paying = dataclasses.replace(DIST, step_reward_share=1.0)
    levels = draw(lambda key: sample_level(key, paying, SIZES), 0, 200)
    after = perturbed(levels, paying, 0.5)
    for name in (f.name for f in dataclasses.fields(levels)):
        same = np.array_equal(getattr(levels, name), getattr(after, name))
        assert same == (name not in PERTURBED), name
    for i in range(200):
        check_level(nth(after, i), SIZES)
    for low, high, values in [
        (DIST.min_steps, DIST.max_steps, after.max_steps),
        (DIST.min_terminate, DIST.max_terminate, after.p_terminate[after.object_cell >= 0]),
        (DIST.min_respawn, DIST.max_respawn, after.p_respawn[after.object_cell >= 0]),
        (paying.min_step_reward, paying.max_step_reward, np.abs(after.step_reward)),
    ]:
        assert values.min() >= low * (1 - 1e-6)
        assert values.max() <= high * (1 + 1e-6)
    np.testing.assert_array_equal(np.sign(after.step_reward), np.sign(levels.step_reward))


def test_noise_has_the_scale_that_was_asked_for_and_levels_without_a_step_reward_get_none():
    middle = dataclasses.replace(DIST, min_steps=100, max_steps=100)  # drawn in the middle of the wide range below
    levels = draw(lambda key: sample_level(key, middle, SIZES), 0, 2000)
    after = perturbed(levels, dataclasses.replace(DIST, min_steps=1, max_steps=10_000), 0.1)
    shares = np.log(after.max_steps / 100) / np.log(10_000)
    np.testing.assert_allclose([shares.mean(), shares.std()], [0.0, 0.1], atol=0.01)
    assert not after.step_reward.any()
    moved = (after.object_reward - levels.object_reward)[
        (np.abs(levels.object_reward) < 0.5) & (levels.object_cell >= 0)
    ]
    np.testing.assert_allclose([moved.mean(), moved.std()], [0.0, 0.1], atol=0.01)
