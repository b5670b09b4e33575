"""Whole runs of prioritised level replay: what is handed out, scored, replayed and evicted."""

import dataclasses
from functools import lru_cache, partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import Status
from groove.curriculum.plr import PLRState, make_plr
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome
from tests._helpers.buffers import buffer_of, sample_level

SCORED, ACTIVE, EMPTY = Status.SCORED, Status.ACTIVE, Status.EMPTY
B, N = 24, 6
CONFIG = PLRConfig(buffer_size=B, replay_probability=0.4, min_fill=0.25)
ENV = make_gridworld()._replace(sample_level=sample_level)


def outcome_of(finished, regret) -> LevelOutcome:
    student = jnp.where(finished, 1.0, jnp.nan)
    antagonist = student + jnp.asarray(regret, jnp.float32)
    unknown = LevelOutcome.unknown(finished)
    return dataclasses.replace(unknown, student_return=student, antagonist_return=antagonist)


TRACES = []  # an entry for every compilation of `sample`


@lru_cache
def make(**changes) -> Curriculum:
    curriculum = make_plr(ENV, dataclasses.replace(CONFIG, **changes), "ar", N)

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
    """Build a state whose levels are all SCORED; the level at place i has the score -i."""
    levels = jax.vmap(sample_level)(jax.random.split(jax.random.key(7), B))
    buffer = dataclasses.replace(buffer_of(-np.arange(B), age=[1] * B), level=levels)
    return PLRState(buffer, inserted=jnp.int32(B), forgotten=jnp.int32(0))


def simulate(seed: int, prioritization="rank", steps: int = 80):
    """Run the curriculum; return (state, levels, ids, finished, buffer before `sample`) at start and at each step."""
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
def test_a_whole_run_keeps_the_invariants_of_the_buffer(prioritization):
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
        assert set(replayed) <= candidates  # neither levels without a score nor levels in training
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
    assert len(seen) > 2 * B  # so levels were evicted


def test_levels_of_a_small_set_have_one_place_each():
    four = jax.vmap(sample_level)(jax.random.split(jax.random.key(0), 4))
    order = np.sort(four["id"])  # the regret of a level is its place in this order

    def one_of_four(key):
        number = jax.random.randint(key, (), 0, 4)
        return jax.tree.map(lambda x: x[number], four)

    curriculum = make_plr(ENV._replace(sample_level=one_of_four), CONFIG, "ar", N)
    state, levels, ids = curriculum.init(jax.random.key(1), N)
    everyone = jnp.ones(N, bool)
    update, sample = jax.jit(curriculum.update), jax.jit(curriculum.sample)
    for step in range(12):
        state = update(state, ids, outcome_of(everyone, np.searchsorted(order, levels["id"])))
        scored = state.buffer.level["id"][state.buffer.scored].tolist()
        assert len(scored) == len(set(scored))
        best, scores = curriculum.top(state, 8)
        state, levels, ids = sample(state, jax.random.key(step), everyone)
    assert scores[:4].tolist() == [3, 2, 1, 0]
    assert best["id"][:4].tolist() == order[::-1].tolist()
    assert np.isnan(scores[4:]).all()


def test_evictions_take_the_lowest_scores():
    curriculum, state = make(prioritization="rank"), full_state()
    after, levels, ids = jax.device_get(curriculum.sample(state, jax.random.key(5), jnp.ones(N, bool)))
    replayed = np.isin(levels["id"], state.buffer.level["id"])
    assert 0 < replayed.sum() < N
    left = np.setdiff1d(np.arange(B), ids[replayed])
    assert sorted(ids[~replayed]) == left[-(~replayed).sum() :].tolist()
    assert (after.buffer.status[ids] == ACTIVE).all()


def test_nothing_is_replayed_before_it_is_scored():
    # The public code derives its "new" flag from "active". Levels without an evaluation then count as evaluated with
    # score 0, and are replayed before levels of negative regret.
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
    """Return which slots receive a buffered level, bool [draws, N], over many keys."""
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


def test_metrics_of_an_unscored_buffer_say_nan_not_zero():
    curriculum = make(prioritization="rank")
    state, _, _ = curriculum.init(jax.random.key(0), N)
    metrics = curriculum.metrics(state)
    assert np.isnan([metrics["score_mean"], metrics["score_max"], metrics["staleness_mean"]]).all()
    assert float(metrics["replay_share"]) == 0.0


def test_top_returns_the_highest_scores_of_the_state():
    state = full_state()
    levels, scores = make(prioritization="rank").top(state, 3)
    assert scores.tolist() == [0.0, -1.0, -2.0]
    assert levels["id"].tolist() == state.buffer.level["id"][:3].tolist()


def make_scored_by(score: str, **changes) -> Curriculum:
    return make_plr(ENV, dataclasses.replace(CONFIG, replay_probability=1.0, min_fill=0.05, **changes), score, N)


def test_robust_replay_learns_from_replayed_levels_only():
    curriculum = make_scored_by("uniform", robust=True)
    state, _, ids = curriculum.init(jax.random.key(0), N)
    assert curriculum.weight(state, ids).tolist() == [0.0] * N
    two = jnp.arange(N) < 2
    state = curriculum.update(state, ids, LevelOutcome.unknown(two))
    state, _, ids = curriculum.sample(state, jax.random.key(1), two)
    assert curriculum.weight(state, ids)[:2].tolist() == [1.0, 1.0]


def test_the_returns_recorded_on_a_level_are_recalled():
    curriculum = make_scored_by("optimal")
    state, _, ids = curriculum.init(jax.random.key(0), N)
    outcome = dataclasses.replace(
        LevelOutcome.unknown(jnp.ones(N, bool)), optimal_return=jnp.arange(6.0), student_return=jnp.zeros(N)
    )
    state = curriculum.update(state, ids, outcome)
    assert curriculum.recall(state, ids).optimal_return.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert np.isnan(curriculum.recall(state, jnp.asarray([-1])).optimal_return).all()


def test_init_refuses_more_slots_than_the_curriculum_was_made_for():
    with pytest.raises(ValueError, match=f"made for {N} slots"):
        make().init(jax.random.key(0), N + 1)
