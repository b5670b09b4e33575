"""Random levels: always valid, with the statistics of GROOVE's distribution; invalid levels are refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.levels import (
    GridSizes,
    LevelDistribution,
    check_level,
    event_threshold,
    log_uniform_int,
    sample_level,
    with_lifetimes,
)
from tests._helpers.reference import draw, level_of, nth

SIZES = GridSizes(side=12, objects=6)  # larger than the levels, to test the padding
COUNT = 20_000


@pytest.fixture(scope="module")
def levels():
    return draw(lambda key: sample_level(key, LevelDistribution(min_lifetime=10), SIZES), 0, COUNT)


def inside(levels):
    row, col = np.divmod(np.arange(SIZES.cells), SIZES.side)
    return (row < levels.size[:, None]) & (col < levels.size[:, None])


def test_start_and_objects_lie_on_distinct_free_cells(levels):
    cells = np.column_stack([levels.start, levels.object_cell])
    for one, walls in zip(cells, levels.walls):
        held = one[one >= 0]
        assert len(set(held.tolist())) == len(held)
        assert not walls[held].any()


def test_every_level_passes_the_check_and_outside_is_wall(levels):
    assert levels.walls[~inside(levels)].all()
    for n in range(50):
        check_level(nth(levels, n), SIZES)


def test_sizes_are_uniform_and_walls_have_the_published_means(levels):
    walls = (levels.walls & inside(levels)).sum(1)
    for size, mean in zip(range(4, 11), [2.5, 3.6, 5.5, 7.4, 9.8, 12.2, 15.0]):
        of_size = levels.size == size
        np.testing.assert_allclose(of_size.mean(), 1 / 7, atol=0.012)
        np.testing.assert_allclose(walls[of_size].mean(), mean, atol=0.2)  # published with one digit, from few draws
        np.testing.assert_allclose(walls[of_size].mean(), 0.15 * size**2, atol=0.12)


def test_walls_starts_and_objects_are_uniform_over_cells(levels):
    size = 5
    of_size = levels.size == size
    grid = (np.arange(size)[:, None] * SIZES.side + np.arange(size)).ravel()
    np.testing.assert_allclose(levels.walls[of_size][:, grid].mean(0), 0.15, atol=0.04)
    for cells in (levels.start[of_size], levels.object_cell[of_size, 0]):
        np.testing.assert_allclose(np.isin(cells, grid).mean(), 1.0)
        np.testing.assert_allclose((cells[:, None] == grid).mean(0), 1 / 25, atol=0.02)


def test_object_count_is_uniform_and_objects_come_first(levels):
    exists = levels.object_cell >= 0
    counts = exists.sum(1)
    np.testing.assert_allclose([(counts == n).mean() for n in range(7)], [0, *[0.2] * 5, 0], atol=0.015)
    assert (np.diff(exists.astype(int), axis=1) <= 0).all()
    for name in ("object_reward", "p_terminate", "p_respawn"):
        assert not getattr(levels, name)[~exists].any()


def test_rewards_first_from_0_to_1_others_from_minus_1_to_1(levels):
    first, second = levels.object_reward[:, 0], levels.object_reward[levels.object_cell[:, 1] >= 0, 1]
    np.testing.assert_allclose(np.quantile(first, [0, 0.25, 0.5, 1]), [0, 0.25, 0.5, 1], atol=0.02)
    np.testing.assert_allclose(np.quantile(second, [0, 0.25, 0.5, 1]), [-1, -0.5, 0, 1], atol=0.04)


def test_times_and_probabilities_are_log_uniform(levels):
    held = levels.object_cell >= 0
    assert abs(np.median(levels.max_steps) - 121) <= 4
    assert (levels.max_steps.min(), levels.max_steps.max()) == (20, 750)
    for values, low, high in [
        (levels.p_terminate[held], 0.01, 1.0),
        (levels.p_respawn[held], 0.001, 0.1),
        (levels.lifetime, 10, 251),
    ]:
        share = np.log(values / low) / np.log(high / low)
        np.testing.assert_allclose(np.quantile(share, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.03)
        assert -1e-4 < share.min() < share.max() < 1 + 1e-4


def test_log_uniform_integers_reach_both_ends_and_can_be_constant():
    u = (jnp.arange(10_000) + 0.5) / 10_000
    expected = np.log([2 / 1, 3 / 2, 4 / 3]) / np.log(4)
    draws = log_uniform_int(u, 1, 3)
    np.testing.assert_allclose([(draws == n).mean() for n in range(5)], [0, *expected, 0], atol=1e-3)
    assert (log_uniform_int(u, 250, 250) == 250).all()


def test_thresholds_are_probabilities_in_units_of_two_to_the_minus_sixteen():
    np.testing.assert_array_equal(event_threshold(jnp.array([0.0, 0.5, 1.0])), [0, 32768, 65536])


def test_crowded_levels_keep_room_for_start_and_objects():
    dist = LevelDistribution(min_size=3, max_size=3, walls=9, max_objects=5)
    sizes = GridSizes(side=3)
    levels = draw(lambda key: sample_level(key, dist, sizes), 0, 100)
    np.testing.assert_array_equal((~levels.walls).sum(1), 6)
    for n in range(100):
        check_level(nth(levels, n), sizes)


def test_the_same_key_gives_the_same_level():
    first, again, other = (draw(lambda key: sample_level(key, LevelDistribution(), SIZES), s, 1) for s in (1, 1, 2))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert any((a != b).any() for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(other)))


def test_the_steps_of_some_levels_pay_and_all_else_stays_the_same():
    paying = LevelDistribution(step_reward_share=0.25, min_step_reward=0.1, max_step_reward=2.0)
    kinds = (LevelDistribution(), paying)
    without, levels = (draw(lambda key, d=d: sample_level(key, d, SIZES), 0, 2000) for d in kinds)
    assert not without.step_reward.any()
    pays = levels.step_reward != 0
    np.testing.assert_allclose(pays.mean(), 0.25, atol=0.03)
    np.testing.assert_allclose((levels.step_reward[pays] > 0).mean(), 0.5, atol=0.07)
    size = np.abs(levels.step_reward[pays])
    assert 0.1 <= size.min() < 0.12
    assert 1.8 < size.max() <= 2.0
    jax.tree.map(np.testing.assert_array_equal, dataclasses.replace(levels, step_reward=without.step_reward), without)


def test_lifetimes_are_redrawn_and_levels_stay_the_same():
    dist = LevelDistribution(min_lifetime=7, max_lifetime=9)
    before = draw(lambda key: sample_level(jax.random.split(key)[0], dist, SIZES), 0, 300)
    after = draw(with_lifetimes(lambda key: sample_level(key, dist, SIZES), dist), 0, 300)
    assert set(after.lifetime.tolist()) == {7, 8, 9}
    assert (after.lifetime != before.lifetime).any()
    jax.tree.map(np.testing.assert_array_equal, dataclasses.replace(after, lifetime=before.lifetime), before)


SMALL = GridSizes(side=4, objects=3)
GOOD = level_of("S#. .a. b..", {"a": (1.0, 0.5, 0.1), "b": (-1.0, 0.0, 1.0)}, 10, SMALL)
DEFECTS = {
    "object_reward holds NaN": {"object_reward": [jnp.nan, 0, 0]},
    "step_reward holds NaN": {"step_reward": jnp.nan},
    "p_terminate holds NaN": {"p_terminate": [jnp.inf, 0, 0]},
    "p_terminate must lie": {"p_terminate": [1.1, 0, 0]},
    "p_respawn must lie": {"p_respawn": [-0.1, 0, 0]},
    "p_respawn must be 0 for absent": {"p_respawn": [0, 0, 0.5]},
    "walls has shape": {"walls": jnp.zeros(9, bool)},
    "size = 5": {"size": 5},
    "size = 0": {"size": 0},
    "must be true outside": {"walls": jnp.zeros(16, bool)},
    "two objects on one cell": {"object_cell": [5, 5, -1]},
    "object_cell = 1 is in a wall": {"object_cell": [1, 8, -1]},
    "object_cell = 16 is in a wall or off the grid": {"object_cell": [16, 8, -1]},
    "object_cell = -2 is in a wall or off the grid": {"object_cell": [5, -2, -1]},
    "start = 1 is in a wall": {"start": 1},
    "start = -1 is in a wall or off the grid": {"start": -1},
    "max_steps must be at least 1": {"max_steps": 0},
    "lifetime must be at least 1": {"lifetime": 0},
}


@pytest.mark.parametrize("message", DEFECTS)
def test_check_refuses(message):
    check_level(GOOD, SMALL)
    changes = {name: jnp.asarray(value) for name, value in DEFECTS[message].items()}
    with pytest.raises(ValueError, match=message):
        check_level(dataclasses.replace(GOOD, **changes), SMALL)
