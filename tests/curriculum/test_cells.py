"""The cells of an archive, by hand: who holds them, who loses them, and changes towards them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.cells import Cells, beaten, holders, target_logits, towards
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level
from groove.envs.level_axes import Axis

AXES = (Axis("a", np.array([1.0, 2.0])), Axis("b", np.array([10.0])))  # 3 x 2 cells
NAN = float("nan")


def describe(level):
    return {"a": level["x"][0], "b": level["x"][1], "unused": jnp.float32(0)}


def step(key, level):
    """Add 0 or 1 to a."""
    return {"x": level["x"].at[0].add(jax.random.bernoulli(key).astype(jnp.float32))}


ENV = make_gridworld()._replace(describe=describe, mutate=step, perturb=None)
CELLS = Cells(ENV, AXES)


def levels(*rows):
    return {"x": jnp.asarray(rows, jnp.float32)}


def test_the_cell_of_a_level_counts_the_ranges_of_the_second_axis_first():
    cells = CELLS.of(levels([0.0, 0.0], [0.0, 10.0], [1.5, 9.9], [2.0, 99.0], [NAN, 0.0], [0.0, NAN]))
    assert cells.tolist() == [0, 1, 2, 5, -1, -1]
    assert len(CELLS) == 6


def test_the_distance_of_cells_counts_ranges():
    assert CELLS.distances[0].tolist() == [0, 1, 1, 2, 2, 3]
    np.testing.assert_array_equal(CELLS.distances, CELLS.distances.T)


def test_the_settled_level_of_highest_mean_holds_a_cell_and_the_first_of_equals():
    cell = jnp.asarray([0, 0, 0, 2, 2, -1, 1])
    mean = jnp.asarray([0.5, 0.9, 2.0, 1.0, 1.0, 9.0, -1.0])
    settled = jnp.asarray([True, True, False, True, True, True, True])
    assert holders(cell, mean, settled, 6).tolist() == [1, 6, 3, -1, -1, -1]


def test_levels_lose_to_the_holder_and_unsettled_levels_stay_while_they_are_ahead():
    cell = jnp.asarray([0, 0, 0, 0, 2, -1])
    mean = jnp.asarray([0.5, 0.9, 2.0, 0.9, 1.0, 9.0])
    settled = jnp.asarray([True, True, False, False, False, False])
    lost = beaten(cell, mean, settled, holders(cell, mean, settled, 6))
    # beaten, holds, ahead, not ahead, alone in its cell, in no cell
    assert lost.tolist() == [True, False, False, True, False, True]


def test_weak_and_empty_cells_are_likelier_targets():
    score = jnp.asarray([4.0, 1.0, -99.0, 2.0])
    held = jnp.asarray([True, True, False, True])
    known = np.array([4.0, 1.0, 1.0, 2.0])  # the empty cell counts like the weakest
    np.testing.assert_allclose(target_logits(score, held, 2.0), -2 * (known - known.mean()) / known.std(), rtol=1e-6)
    np.testing.assert_array_equal(target_logits(score, held, 0.0), np.zeros(4))
    np.testing.assert_array_equal(target_logits(score, jnp.zeros(4, bool), 1.0), np.zeros(4))


def test_the_change_nearest_to_the_target_is_taken_and_no_change_does_not_count():
    parents = levels(*[[0.5, 0.0]] * 64)
    targets = jnp.full(64, 2)  # the cell next to that of the parents
    changed, counts = towards(CELLS, jax.random.key(0), parents, targets, 1)
    moved = np.asarray(changed["x"][:, 0]) == 1.5
    np.testing.assert_array_equal(counts, moved)
    assert 16 < moved.sum() < 48
    _, counts = towards(CELLS, jax.random.key(0), parents, targets, 8)
    assert counts.sum() > 60  # 1 - 2^-8 each


def test_changes_whose_features_are_undefined_do_not_count():
    env = ENV._replace(mutate=lambda key, level: {"x": jnp.full(2, jnp.nan)})
    _, counts = towards(Cells(env, AXES), jax.random.key(0), levels([0.0, 0.0]), jnp.zeros(1, jnp.int32), 3)
    assert not counts.any()


@pytest.mark.parametrize("target", [0, pytest.param(5, marks=pytest.mark.slow)])
def test_changed_gridworlds_are_valid_and_approach_their_target(target):
    sizes, dist = GridSizes(side=6, objects=3), LevelDistribution(max_size=6, walls=6, max_objects=3)
    env = make_gridworld(sizes, dist)
    cells = Cells(env, (Axis("nearest_positive", np.array([2.0, 4.0])), Axis("max_steps", np.array([100.0]))))
    parents = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(0), 64))
    targets = jnp.full(64, target, jnp.int32)
    changed, counts = jax.jit(lambda: towards(cells, jax.random.key(1), parents, targets, 8))()
    for i in range(64):
        check_level(jax.tree.map(lambda x, i=i: x[i], changed), sizes)
    before, after = cells.of(parents), cells.of(changed)
    known = np.asarray(counts & (before >= 0))
    assert known.sum() > 30
    moved = cells.distances[target, np.asarray(before)] - cells.distances[target, np.asarray(after)]
    assert moved[known].mean() > 0.3
    np.testing.assert_array_equal(changed.lifetime, parents.lifetime)
