import dataclasses
from functools import lru_cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer, Status, levels_at
from groove.curriculum.plr import PLRConfig, PLRState, edits, make_plr, replay, replay_distribution
from groove.curriculum.scores import SCORES
from groove.types import LevelMemory, LevelOutcome

SCORED, ACTIVE, FRESH, EMPTY = Status.SCORED, Status.ACTIVE, Status.FRESH, Status.EMPTY
B, N = 24, 6
CONFIG = PLRConfig(buffer_size=B, replay_probability=0.4, min_fill=0.25)


def buffer_of(score, status=None, age=None) -> LevelBuffer:
    """A buffer whose level at place i has id 100 + i."""
    n = len(score)
    clock = 1000
    return LevelBuffer(
        level={"id": jnp.arange(n) + 100},
        memory=LevelMemory.blank(n),
        score=jnp.asarray(score, jnp.float32),
        status=jnp.asarray([SCORED] * n if status is None else status, jnp.int8),
        stamp=clock - jnp.asarray([0] * n if age is None else age, jnp.int32),
        clock=jnp.int32(clock),
    )


def sample_level(key):
    level_id = jax.random.bits(key, dtype=jnp.uint32)
    return {"id": level_id, "grid": jnp.broadcast_to(level_id, (2, 3))}


# The replay distribution, worked by hand.

STATUS = [SCORED, SCORED, SCORED, EMPTY, ACTIVE, FRESH]
SCORES_ = [3.0, -1.0, 10.0, 50.0, 50.0, 50.0]  # the last three are not SCORED and may not matter
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


# Draws.


def draw_many(buffer, config, n, draws=4000) -> np.ndarray:
    """Places drawn, [draws, n]."""
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
    # 16 draws of 64 levels at a low temperature: those by score fall on the best, those by staleness on the
    # worst 32, which have all the age. Drawn from the mixture, nearly all would fall on these.
    score, age = np.arange(64.0), np.where(np.arange(64) < 32, 10, 0)
    config = PLRConfig(temperature=0.05, staleness_coefficient=0.25)
    places = draw_many(buffer_of(score, age=age), config, 16, draws=500)
    assert np.mean(places < 32) == pytest.approx(0.25, abs=0.02)
    assert np.std((places < 32).sum(1)) == pytest.approx(np.sqrt(16 * 0.25 * 0.75), abs=0.3)  # a coin for each draw
    assert np.mean(places >= 48) == pytest.approx(0.75, abs=0.02)


def test_draws_are_distinct_scored_and_exhaustive_at_any_temperature():
    config = PLRConfig(temperature=1e-3, staleness_coefficient=0.5)
    buffer = buffer_of(np.arange(10.0), [SCORED, ACTIVE] * 5, age=np.arange(10) + 1)
    for places in draw_many(buffer, config, 8, draws=20):
        drawn = places[places >= 0]
        assert len(set(drawn)) == len(drawn)
        assert set(drawn) <= {0, 2, 4, 6, 8}
        # With both kinds, one may run out of levels only when the other has taken them all.
        assert len(drawn) == 5


def test_topk_draws_the_highest_scores_in_order_for_the_rows_that_want_one():
    config = PLRConfig(prioritization="topk")
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0, 2.0], [SCORED, SCORED, ACTIVE, SCORED, SCORED])
    after, ids = replay(buffer, config, jax.random.key(0), jnp.asarray([True, False, True, True]))
    assert ids.tolist() == [3, -1, 4, 0]
    assert after.status.tolist() == [ACTIVE, SCORED, ACTIVE, ACTIVE, ACTIVE]


def test_under_topk_the_best_levels_are_the_parents_of_edits():
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0, 2.0], [SCORED, SCORED, ACTIVE, SCORED, SCORED])
    config = PLRConfig(prioritization="topk")
    for n, parents in ((3, [3, 4, 0]), (5, [3, 4, 0, 1, 3])):
        _, edited = edits(lambda key, level: level, buffer, config, jax.random.key(0), n)
        jax.tree.map(np.testing.assert_array_equal, edited, levels_at(buffer, jnp.asarray(parents)))


def test_draws_stamp_what_they_hand_out():
    buffer = buffer_of(np.arange(5.0), age=[50] * 5)
    after, ids = replay(buffer, PLRConfig(), jax.random.key(1), jnp.ones(3, bool))
    drawn = np.isin(np.arange(5), ids)
    assert drawn.sum() == 3
    assert int(after.clock) == int(buffer.clock) + 3
    assert (np.asarray(after.stamp)[drawn] > buffer.clock).all()
    np.testing.assert_array_equal(np.asarray(after.stamp)[~drawn], np.asarray(buffer.stamp)[~drawn])


# The curriculum.


def outcome_of(finished, regret) -> LevelOutcome:
    student = jnp.where(finished, 1.0, jnp.nan)
    antagonist = student + jnp.asarray(regret, jnp.float32)
    unknown = LevelOutcome.unknown(finished)
    return dataclasses.replace(unknown, student_return=student, antagonist_return=antagonist)


TRACES = []  # an entry for every compilation of `sample`


@lru_cache
def make(**changes) -> Curriculum:
    curriculum = make_plr(sample_level, dataclasses.replace(CONFIG, **changes), SCORES["ar"], N, "ar")

    def sample(*args):
        TRACES.append(changes)
        return curriculum.sample(*args)

    return curriculum._replace(
        init=jax.jit(curriculum.init, static_argnums=1),
        sample=jax.jit(sample),
        update=jax.jit(curriculum.update),
        metrics=jax.jit(curriculum.metrics),
    )


def full_state() -> PLRState:
    """Every level SCORED, at its place's number of regret below zero."""
    levels = jax.vmap(sample_level)(jax.random.split(jax.random.key(7), B))
    buffer = dataclasses.replace(buffer_of(-np.arange(B), age=[1] * B), level=levels)
    return PLRState(buffer, inserted=jnp.int32(B), forgotten=jnp.int32(0))


def simulate(seed: int, prioritization="rank", steps: int = 80):
    """A run: (state, levels, ids, finished, the buffer before the hand-out) at the start and after each step."""
    curriculum, rng = make(prioritization=prioritization), np.random.default_rng(seed)
    state, levels, ids = jax.device_get(curriculum.init(jax.random.key(seed), N))
    history = [(state, levels, ids, None, None)]
    for key in jax.random.split(jax.random.key(seed + 1), steps):
        finished = rng.random(N) < 0.5
        regret = np.round(rng.normal(-2, 4, N))  # mostly negative, with ties
        state = curriculum.update(state, ids, outcome_of(finished, regret))
        buffer = state.buffer
        state, *handed = curriculum.sample(state, key, finished)
        rows = np.where(finished, 0, N) + np.arange(N)
        levels, ids = jax.tree.map(lambda new, old, rows=rows: np.concatenate([new, old])[rows], handed, [levels, ids])
        history.append(jax.device_get((state, levels, ids, finished, buffer)))
    return history


@pytest.mark.parametrize("prioritization", ["rank", "proportional", "topk"])
def test_a_whole_run_keeps_every_promise(prioritization):
    before = len(TRACES)
    history = simulate(0, prioritization)
    assert len(TRACES) <= before + 1
    evaluated, replays = set(), 0
    seen = set(history[0][1]["id"].tolist())
    for (_, levels, ids, *_), (state, new_levels, new_ids, finished, scored) in pairwise(history):
        evaluated |= set(levels["id"][finished].tolist())
        candidates = set(scored.level["id"][scored.scored].tolist())
        assert candidates <= evaluated
        handed = new_levels["id"][finished].tolist()
        replayed = [level for level in handed if level in seen]
        replays += len(replayed)
        assert set(replayed) <= candidates  # neither unevaluated nor being trained on
        assert len(replayed) == 0 or len(candidates) >= 6  # min_fill
        assert len(set(new_ids.tolist())) == N
        assert len(set(new_levels["id"].tolist())) == N
        np.testing.assert_array_equal(new_ids[~finished], ids[~finished])
        np.testing.assert_array_equal(state.buffer.level["id"][new_ids], new_levels["id"])
        np.testing.assert_array_equal(new_levels["grid"][:, 1, 2], new_levels["id"])
        active = np.flatnonzero(state.buffer.status == ACTIVE)
        assert sorted(new_ids.tolist()) == active.tolist()
        seen |= set(handed)
    assert replays > 50
    assert int(state.inserted) == len(seen)
    assert len(seen) > 2 * B  # evictions were exercised


def test_evictions_take_the_lowest_scores():
    curriculum, state = make(prioritization="rank"), full_state()
    after, levels, ids = jax.device_get(curriculum.sample(state, jax.random.key(5), jnp.ones(N, bool)))
    replayed = np.isin(levels["id"], state.buffer.level["id"])
    assert 0 < replayed.sum() < N
    left = np.setdiff1d(np.arange(B), ids[replayed])
    assert sorted(ids[~replayed]) == left[-(~replayed).sum() :].tolist()
    assert (after.buffer.status[ids] == ACTIVE).all()


def test_nothing_is_replayed_before_it_is_scored():
    # The public code rebuilds its "new" flag from "active": levels that were never evaluated come to count as
    # evaluated with score 0, and are replayed in preference to levels of negative regret.
    curriculum = make(replay_probability=1.0, min_fill=0.0)
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    assert np.isin(state.buffer.status, [EMPTY, ACTIVE]).all()
    assert state.buffer.status.tolist().count(ACTIVE) == N
    two_done = jnp.arange(N) < 2
    state = curriculum.update(state, ids, outcome_of(two_done, -5.0))
    after, new, _ = curriculum.sample(state, jax.random.key(1), jnp.arange(N) < 4)
    replayed = np.isin(new["id"][:4], levels["id"])
    assert replayed.sum() == 2
    np.testing.assert_array_equal(np.sort(new["id"][:4][replayed]), np.sort(levels["id"][:2]))
    assert int(after.inserted) == N + 2


def test_replay_waits_until_enough_levels_are_scored():
    curriculum = make(prioritization="rank")  # waits for 6 of 24
    state, _, ids = curriculum.init(jax.random.key(0), N)
    five = jnp.arange(N) < 5
    state = curriculum.update(state, ids, outcome_of(five, -1.0))
    assert replays_of(curriculum, state, draws=30).sum() == 0
    state = curriculum.update(state, ids, outcome_of(~five, -1.0))
    assert replays_of(curriculum, state, draws=30).sum() > 0


def replays_of(curriculum, state, draws: int) -> np.ndarray:
    """Which slots, [draws, N], get a level that the buffer held before, over many keys."""
    known, everyone = state.buffer.level["id"], jnp.ones(N, bool)
    levels = [curriculum.sample(state, jax.random.key(100 + i), everyone)[1]["id"] for i in range(draws)]
    return np.isin(levels, known)


def test_each_slot_replays_with_the_replay_probability():
    replayed = replays_of(make(prioritization="rank"), full_state(), draws=500)
    assert replayed.mean(0) == pytest.approx(np.full(N, 0.4), abs=0.08)


def test_the_same_key_gives_the_same_run_and_another_key_another():
    first, again, other = (simulate(seed, steps=30) for seed in (0, 0, 9))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert not np.array_equal(first[-1][0].buffer.level["id"], other[-1][0].buffer.level["id"])
    assert not np.array_equal(first[-1][0].buffer.status, other[-1][0].buffer.status)


def test_unfinished_slots_and_slots_that_want_nothing_change_nothing():
    curriculum = make(prioritization="rank")
    state, _, ids = curriculum.sample(full_state(), jax.random.key(0), jnp.ones(N, bool))
    nobody = jnp.zeros(N, bool)
    after = curriculum.update(state, ids, outcome_of(nobody, 3.0))
    after, _, _ = curriculum.sample(after, jax.random.key(4), nobody)
    jax.tree.map(np.testing.assert_array_equal, after, state)


def test_the_state_is_arrays_only_and_can_be_the_carry_of_a_scan():
    curriculum = make(prioritization="rank")
    state, _, ids = curriculum.init(jax.random.key(0), N)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(state))

    def step(carry, key):
        state, ids = carry
        state = curriculum.update(state, ids, outcome_of(jnp.ones(N, bool), 1.0))
        state, _, ids = curriculum.sample(state, key, jnp.ones(N, bool))
        return (state, ids), None

    after, _ = jax.eval_shape(partial(jax.lax.scan, step), (state, ids), jax.random.split(jax.random.key(1), 3))
    assert jax.tree.structure(after) == jax.tree.structure((state, ids))


def test_a_lifetime_without_a_finite_outcome_is_counted_and_its_level_forgotten():
    curriculum = make(prioritization="rank")
    state, _, ids = curriculum.init(jax.random.key(0), N)
    regret = jnp.asarray([1.0, jnp.nan, 2.0, jnp.inf, 0.0, jnp.nan])
    state = curriculum.update(state, ids, outcome_of(jnp.arange(N) < 5, regret))
    assert float(curriculum.metrics(state)["forgotten"]) == 2
    assert state.buffer.status[ids].tolist() == [SCORED, EMPTY, SCORED, EMPTY, SCORED, ACTIVE]
    assert float(curriculum.metrics(state)["score_mean"]) == 1.0


def test_metrics_worked_by_hand():
    status = [SCORED, SCORED, ACTIVE, ACTIVE, ACTIVE, EMPTY, FRESH, SCORED]
    inf = float("inf")
    buffer = buffer_of([4.0, -1.0, 7.0, -inf, -inf, -inf, -inf, 0.0], status, age=[3, 5, 1, 1, 1, 0, 0, 10])
    metrics = make(prioritization="rank").metrics(PLRState(buffer, inserted=jnp.int32(12), forgotten=jnp.int32(2)))
    golden = {
        "scored_fraction": 3 / 8,
        "replay_share": 1 / 3,
        "score_mean": 1.0,
        "score_max": 4.0,
        "score_p10": -1.0,
        "score_median": 0.0,
        "score_p90": 0.0,
        "staleness_mean": 6.0,
        "turnover": 1.5,
        "forgotten": 2.0,
    }
    assert {name: float(value) for name, value in metrics.items()} == pytest.approx(golden)


def test_metrics_of_an_unscored_buffer_say_nan_not_zero():
    curriculum = make(prioritization="rank")
    state, _, _ = curriculum.init(jax.random.key(0), N)
    metrics = curriculum.metrics(state)
    assert np.isnan([metrics["score_mean"], metrics["score_max"], metrics["staleness_mean"]]).all()
    assert float(metrics["replay_share"]) == 0.0


def test_top_is_of_the_state():
    state = full_state()
    levels, scores = make(prioritization="rank").top(state, 3)
    assert scores.tolist() == [0.0, -1.0, -2.0]
    assert levels["id"].tolist() == state.buffer.level["id"][:3].tolist()
