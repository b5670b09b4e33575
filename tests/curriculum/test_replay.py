"""The replay distribution worked by hand, and draws compared with it."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.buffer import Status
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.replay import draw_parents, is_ready, replay, replay_distribution
from tests._helpers.buffers import buffer_of

SCORED, ACTIVE, FRESH, EMPTY = Status.SCORED, Status.ACTIVE, Status.FRESH, Status.EMPTY
STATUS = [SCORED, SCORED, SCORED, EMPTY, ACTIVE, FRESH]
SCORES_ = [3.0, -1.0, 10.0, 50.0, 50.0, 50.0]  # the last three are not SCORED and must not count
AGES = [1, 3, 0, 900, 900, 900]


@pytest.mark.parametrize(
    ("temperature", "coefficient", "golden"),
    [
        (1.0, 0.0, [3 / 11, 2 / 11, 6 / 11]),  # ranks 2, 3, 1: 1/2, 1/3, 1
        (0.5, 0.0, [9 / 49, 4 / 49, 36 / 49]),  # 1/4, 1/9, 1
        (1.0, 1.0, [1 / 4, 3 / 4, 0.0]),
        (0.5, 0.25, [27 / 196 + 1 / 16, 12 / 196 + 3 / 16, 108 / 196]),
    ],
)
def test_replay_distribution_worked_by_hand(temperature, coefficient, golden):
    config = PLRConfig(temperature=temperature, staleness_coefficient=coefficient)
    p = jax.jit(partial(replay_distribution, config=config))(buffer_of(SCORES_, STATUS, AGES))
    np.testing.assert_allclose(p, [*golden, 0, 0, 0], rtol=1e-5)


def test_staleness_is_uniform_when_nothing_was_handed_out_since():
    config = PLRConfig(staleness_coefficient=1.0)
    p = replay_distribution(buffer_of([3.0, -1.0, 10.0, 7.0], [SCORED, SCORED, EMPTY, SCORED]), config)
    np.testing.assert_allclose(p, [1 / 3, 1 / 3, 0, 1 / 3], rtol=1e-6)


def test_negative_scores_rank_below_zero_and_zero_below_positive():
    config = PLRConfig(temperature=1.0, staleness_coefficient=0.0)
    score = [-5.0, 0.0, -1e-30, 2.0, -1e30]
    weight = 1 / np.asarray([4, 2, 3, 1, 5])
    np.testing.assert_allclose(replay_distribution(buffer_of(score), config), weight / weight.sum(), rtol=1e-5)


def test_equal_scores_share_a_rank_whatever_their_sign_bit():
    config = PLRConfig(temperature=1.0, staleness_coefficient=0.0)
    weight = 1 / np.asarray([2, 1, 2, 5, 2])
    p = replay_distribution(buffer_of([0.0, 4.0, -0.0, -3.0, 0.0]), config)
    np.testing.assert_allclose(p, weight / weight.sum(), rtol=1e-5)


def test_topk_puts_all_on_the_highest_score():
    config = PLRConfig(prioritization="topk")
    p = replay_distribution(buffer_of(SCORES_, STATUS, AGES), config)
    assert p.tolist() == [0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("prioritization", ["rank", "topk"])
def test_without_scored_levels_nothing_can_be_replayed(prioritization):
    config = PLRConfig(prioritization=prioritization)
    buffer = buffer_of([0.0] * 4, [FRESH, ACTIVE, EMPTY, ACTIVE])
    assert replay_distribution(buffer, config).tolist() == [0.0] * 4
    after, ids = replay(buffer, config, jax.random.key(0), jnp.ones(3, bool))
    assert ids.tolist() == [-1] * 3
    jax.tree.map(np.testing.assert_array_equal, after, buffer)


def draw_many(buffer, config, n, draws=4000) -> np.ndarray:
    """Draw n places with each of many keys; return them, int [draws, n]."""
    draw = partial(jax.lax.map, lambda key: replay(buffer, config, key, jnp.ones(n, bool))[1])
    return np.asarray(jax.jit(draw)(jax.random.split(jax.random.key(0), draws)))


def assert_frequencies(places, probability, sigmas=4.0) -> None:
    total = len(places)
    count = np.bincount(places, minlength=len(probability))
    spread = np.sqrt(total * probability * (1 - probability))
    assert (np.abs(count - total * probability) <= sigmas * spread).all(), (count, total * probability)


def test_single_draws_follow_the_replay_distribution():
    config = PLRConfig(temperature=0.7, staleness_coefficient=0.4)
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0, 2.0, -1.0], [SCORED, SCORED, ACTIVE, SCORED, SCORED, SCORED])
    buffer = dataclasses.replace(buffer, stamp=buffer.stamp - jnp.asarray([5, 40, 70, 0, 10, 1]))
    places = draw_many(buffer, config, 1)[:, 0]
    assert_frequencies(places, np.asarray(replay_distribution(buffer, config), np.float64))


def test_pairs_of_draws_are_without_replacement():
    config = PLRConfig(temperature=1.0, staleness_coefficient=0.0)
    buffer = buffer_of([1.0, 3.0, 2.0])
    p = np.asarray([2, 6, 3]) / 11
    pair = np.asarray([[0 if i == j else p[i] * p[j] / (1 - p[i]) for j in range(3)] for i in range(3)])
    places = draw_many(buffer, config, 2)
    assert_frequencies(places[:, 0] * 3 + places[:, 1], pair.ravel())


def test_the_coefficient_is_the_share_of_staleness_however_many_levels_are_drawn():
    # 16 draws from 64 levels at a low temperature. Draws by score fall on the best levels. Draws by staleness fall on
    # the worst 32 levels, the only ones with an age above zero. Draws from the mixture would nearly all fall on these.
    score, age = np.arange(64.0), np.where(np.arange(64) < 32, 10, 0)
    config = PLRConfig(temperature=0.05, staleness_coefficient=0.25)
    places = draw_many(buffer_of(score, age=age), config, 16, draws=500)
    assert np.mean(places < 32) == pytest.approx(0.25, abs=0.02)
    assert np.std((places < 32).sum(1)) == pytest.approx(np.sqrt(16 * 0.25 * 0.75), abs=0.3)  # one coin for each draw
    assert np.mean(places >= 48) == pytest.approx(0.75, abs=0.02)


def test_draws_are_distinct_scored_and_exhaustive_at_any_temperature():
    config = PLRConfig(temperature=1e-3, staleness_coefficient=0.5)
    buffer = buffer_of(np.arange(10.0), [SCORED, ACTIVE] * 5, age=np.arange(10) + 1)
    for places in draw_many(buffer, config, 8, draws=20):
        drawn = places[places >= 0]
        assert len(set(drawn)) == len(drawn)
        assert set(drawn) <= {0, 2, 4, 6, 8}
        # One kind of draw may run out of levels only if the other kind has taken all of them.
        assert len(drawn) == 5


def test_topk_draws_the_highest_scores_in_order_for_the_rows_that_want_one():
    config = PLRConfig(prioritization="topk")
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0, 2.0], [SCORED, SCORED, ACTIVE, SCORED, SCORED])
    after, ids = replay(buffer, config, jax.random.key(0), jnp.asarray([True, False, True, True]))
    assert ids.tolist() == [3, -1, 4, 0]
    assert after.status.tolist() == [ACTIVE, SCORED, ACTIVE, ACTIVE, ACTIVE]


def test_draws_stamp_what_they_hand_out():
    buffer = buffer_of(np.arange(5.0), age=[50] * 5)
    after, ids = replay(buffer, PLRConfig(), jax.random.key(1), jnp.ones(3, bool))
    drawn = np.isin(np.arange(5), ids)
    assert drawn.sum() == 3
    assert int(after.clock) == int(buffer.clock) + 3
    assert (np.asarray(after.stamp)[drawn] > buffer.clock).all()
    np.testing.assert_array_equal(np.asarray(after.stamp)[~drawn], np.asarray(buffer.stamp)[~drawn])


def test_parents_are_drawn_with_replacement_from_the_replay_distribution():
    config = PLRConfig(temperature=0.7, staleness_coefficient=0.4)
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0], [SCORED, SCORED, ACTIVE, SCORED], age=[5, 40, 70, 0])
    parents = np.asarray(draw_parents(buffer, config, jax.random.key(0), 4000))
    assert_frequencies(parents, np.asarray(replay_distribution(buffer, config), np.float64))


def test_replay_is_ready_once_enough_levels_are_scored():
    config = PLRConfig(buffer_size=4, min_fill=0.5)
    assert not is_ready(buffer_of([1.0] * 4, [SCORED, ACTIVE, FRESH, EMPTY]), config)
    assert is_ready(buffer_of([1.0] * 4, [SCORED, ACTIVE, FRESH, SCORED]), config)
