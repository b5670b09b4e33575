"""Replay by co-learnability: its estimates by hand, and the levels that it prefers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.buffer import Status
from groove.curriculum.colearn import ColearnConfig, make_colearn, observe_help, priority
from groove.curriculum.plr import make_plr
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome
from groove.utils.errors import ConfigError
from tests._helpers.buffers import buffer_of

B, N = 64, 8
PLR = PLRConfig(buffer_size=B, min_fill=0.25)
ENV = make_gridworld()._replace(sample_level=lambda key: {"number": jax.random.uniform(key)})
NAN = float("nan")


def make(**changes):
    curriculum = make_colearn(ENV, PLR, ColearnConfig(**changes), "ar", N)
    return curriculum._replace(sample=jax.jit(curriculum.sample), update=jax.jit(curriculum.update))


def outcome(regret, finished=None):
    unknown = LevelOutcome.unknown(jnp.ones(N, bool) if finished is None else jnp.asarray(finished))
    return dataclasses.replace(unknown, student_return=jnp.zeros(N), antagonist_return=jnp.asarray(regret, jnp.float32))


def live(curriculum, rounds, regret_of, seed=0):
    """Live lifetimes, half of which end in each round; yield the state and the numbers of the levels in training."""
    state, levels, ids = curriculum.init(jax.random.key(seed), N)
    for turn in range(rounds):
        ends = np.arange(N) % 2 == turn % 2
        yield state, np.asarray(levels["number"]), np.asarray(ids)
        state = curriculum.update(state, ids, outcome(regret_of(turn, levels["number"]), ends))
        state, new, new_ids = curriculum.sample(
            state, jax.random.fold_in(jax.random.key(seed), turn), jnp.asarray(ends)
        )
        levels, ids = {"number": jnp.where(ends, new["number"], levels["number"])}, jnp.where(ends, new_ids, ids)


def test_an_observation_by_hand():
    helped, training = jnp.asarray([1.0, 2.0, 3.0, 4.0]), jnp.asarray([True, False, True, True])
    fall = jnp.asarray([4.0, NAN, -1.0, NAN])  # 1.5 in the mean, where 1 is usual
    moved, usual = observe_help(helped, jnp.float32(1.0), 0.5, training, fall)
    np.testing.assert_allclose(moved, [0.5 * (1 - 2), 2.0, 0.5 * (3 + 3), 0.5 * (4 + 0.5)])
    np.testing.assert_allclose(usual, 1.25)
    nothing = observe_help(helped, jnp.float32(1.0), 0.5, training, jnp.full(4, NAN))
    jax.tree.map(np.testing.assert_array_equal, nothing, (helped, jnp.float32(1.0)))


def test_the_first_fall_is_the_usual_one_and_no_level_is_credited_with_its_own():
    alone = observe_help(jnp.zeros(3), jnp.float32(NAN), 0.5, jnp.ones(3, bool), jnp.asarray([2.0, NAN, NAN]))
    np.testing.assert_allclose(alone[0], np.zeros(3))
    np.testing.assert_allclose(alone[1], 2.0)
    pair = observe_help(jnp.zeros(3), jnp.float32(2.0), 0.5, jnp.ones(3, bool), jnp.asarray([2.0, 8.0, NAN]))
    np.testing.assert_allclose(pair[0], [3.0, 0.0, 1.5])


def test_scores_that_are_only_noise_credit_no_level():
    """Replayed levels were chosen for a lucky score, so scores fall; this is no help of other levels."""
    noise, means = np.random.default_rng(0), []
    for seed in range(4):
        *_, (state, _, _) = live(make(), 400, lambda turn, number: noise.normal(size=N), seed)
        means.append(np.asarray(state.helped)[np.asarray(state.plr.buffer.scored)].mean())
    assert abs(np.mean(means)) < 0.15, means


@pytest.mark.parametrize("share", [1, 2])
def test_lifetimes_that_end_together_are_credited_too(share):
    """Under evolution strategies all lifetimes end at once."""
    curriculum = make()
    state, _, ids = curriculum.init(jax.random.key(0), N)
    for turn in range(30):
        ends = np.arange(N) % share == turn % share
        state = curriculum.update(state, ids, outcome(np.random.default_rng(turn).normal(size=N), ends))
        state, _, new_ids = curriculum.sample(state, jax.random.key(turn), jnp.asarray(ends))
        ids = jnp.where(ends, new_ids, ids)
    assert np.asarray(state.helped).any()


def test_the_priority_weighs_two_standardised_numbers():
    buffer = buffer_of([1.0, 3.0, 5.0, 99.0], [Status.SCORED] * 3 + [Status.ACTIVE])
    ranked = priority(buffer, jnp.asarray([2.0, 0.0, -2.0, 7.0]), 0.5)
    one = np.sqrt(1.5)
    np.testing.assert_allclose(ranked[:3], [-one + 0.5 * one, 0.0, one - 0.5 * one], rtol=1e-6)


def test_a_weight_of_zero_ranks_like_plain_level_replay():
    buffer = buffer_of(np.random.default_rng(0).normal(size=12))
    plain = np.argsort(np.asarray(buffer.score))
    np.testing.assert_array_equal(np.argsort(np.asarray(priority(buffer, jnp.arange(12.0), 0.0))), plain)


def test_only_levels_in_training_are_credited_and_only_with_scores_that_had_a_predecessor():
    curriculum = make()
    for turn, (state, _, _) in enumerate(live(curriculum, 40, lambda turn, number: jnp.full(N, 1.0))):
        assert not np.asarray(state.helped).any(), turn  # scores never fall
    *_, (state, _, _) = live(curriculum, 40, lambda turn, number: jnp.full(N, 100.0 - turn))
    assert (np.asarray(state.helped) > 0).any()


def test_first_lifetimes_keep_their_credit_and_a_new_level_begins_without():
    curriculum = make()
    state, _, ids = curriculum.init(jax.random.key(0), N)
    state = dataclasses.replace(state, helped=jnp.ones_like(state.helped))
    ends = np.arange(N) % 2 == 0
    state = curriculum.update(state, ids, outcome(jnp.ones(N), ends))
    after, _, new_ids = curriculum.sample(state, jax.random.key(1), jnp.asarray(ends))
    assert (np.asarray(after.helped)[ids[~ends]] == 1).all()
    is_new = np.asarray(after.plr.buffer.score)[new_ids[ends]] == -np.inf
    assert is_new.any()
    np.testing.assert_array_equal(np.asarray(after.helped)[new_ids[ends]], np.where(is_new, 0.0, 1.0))


def test_levels_that_make_scores_fall_elsewhere_are_replayed_more_often():
    """Scores are lower whenever a level with a high number is in training."""

    def late_share(weight):
        shares = []
        for seed in range(3):
            helpers, drawn = 0.0, []

            def regret(turn, number):
                return 1.0 - 0.5 * helpers + 0.001 * number  # noqa: B023 (read before it changes)

            for _, numbers, _ in live(make(weight=weight, rate=0.5), 120, regret, seed):
                helpers = float((numbers > 0.8).mean())
                drawn.append(helpers)
            shares.append(np.mean(drawn[60:]))
        return np.mean(shares)

    assert late_share(3.0) > late_share(0.0) + 0.05


def test_scores_in_the_buffer_stay_scores():
    curriculum, plain = make(), make_plr(ENV, PLR, "ar", N)
    for made in (curriculum, plain):
        *_, (state, _, _) = live(made, 20, lambda turn, number: number)
        buffer = (state.plr if made is curriculum else state).buffer
        scored = np.asarray(buffer.scored)
        np.testing.assert_allclose(np.asarray(buffer.score)[scored], np.asarray(buffer.level["number"])[scored])


def test_the_same_seed_gives_the_same_levels():
    runs = [[numbers for _, numbers, _ in live(make(), 12, lambda turn, n: n, seed)] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("n", [N + 1])
def test_more_slots_than_it_was_made_for_are_refused(n):
    with pytest.raises(ValueError, match="num_slots=9"):
        make().init(jax.random.key(0), n)


def test_a_priority_that_may_be_negative_is_not_replayed_in_proportion():
    plr = dataclasses.replace(PLR, prioritization="proportional")
    with pytest.raises(ConfigError, match="choose rank or topk"):
        make_colearn(ENV, plr, ColearnConfig(), "ar", N)
