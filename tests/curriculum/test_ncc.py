"""A learned replay distribution: its steps by hand, its fixed point, and the levels that it hands out."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.ncc import NCCConfig, ascend, make_ncc
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome

B, N = 64, 8
PLR = PLRConfig(buffer_size=B, min_fill=0.25)
CONFIG = NCCConfig(step_size=0.2, entropy=0.5)
HIGH = 0.9  # levels whose number is above this one have high regret


def make(plr=PLR, config=CONFIG):
    env = make_gridworld()._replace(sample_level=lambda key: {"number": jax.random.uniform(key)})
    curriculum = make_ncc(env, plr, config, "ar", N)
    return curriculum._replace(sample=jax.jit(curriculum.sample), update=jax.jit(curriculum.update))


def outcome(regret, finished=None):
    unknown = LevelOutcome.unknown(jnp.ones(N, bool) if finished is None else jnp.asarray(finished))
    return dataclasses.replace(unknown, student_return=jnp.zeros(N), antagonist_return=jnp.asarray(regret, jnp.float32))


def live(curriculum, rounds, regret_of, seed=0):
    """Live whole lifetimes; yield the state, the numbers of the levels and the ids, before each outcome."""
    state, levels, ids = curriculum.init(jax.random.key(seed), N)
    for turn in range(rounds):
        yield state, np.asarray(levels["number"]), np.asarray(ids)
        state = curriculum.update(state, ids, outcome(regret_of(levels["number"])))
        state, levels, ids = curriculum.sample(state, jax.random.fold_in(jax.random.key(seed), turn), jnp.ones(N, bool))


def test_a_step_by_hand():
    score, known = jnp.asarray([1.0, 3.0, 5.0, 99.0]), jnp.asarray([True, True, True, False])
    deviation = np.sqrt(8 / 3)
    moved = ascend(CONFIG, jnp.asarray([0.5, 0.0, -1.0, 7.0]), score, known)
    expected = [0.9 * 0.5 - 0.2 * 2 / deviation, 0.0, -0.9 + 0.2 * 2 / deviation, 0.0]
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


def test_the_ascent_ends_where_the_objective_is_highest():
    rng = np.random.default_rng(0)
    score = jnp.asarray(rng.normal(size=12), jnp.float32)
    score = (score - score.mean()) / score.std()

    def objective(logits):
        y = jax.nn.softmax(logits)
        return y @ score - CONFIG.entropy * y @ jnp.log(y)

    logits, values = jnp.zeros(12), []
    for _ in range(200):
        values.append(float(objective(logits)))
        logits = ascend(CONFIG, logits, score, jnp.ones(12, bool))
    assert (np.diff(values) > -1e-6).all()
    np.testing.assert_allclose(jax.grad(objective)(logits), np.zeros(12), atol=1e-5)
    np.testing.assert_allclose(jax.nn.softmax(logits), jax.nn.softmax(score / CONFIG.entropy), rtol=1e-4)


def test_the_unit_of_the_score_does_not_matter_and_equal_scores_move_nothing():
    score, known = jnp.asarray([1.0, 2.0, 4.0]), jnp.ones(3, bool)
    np.testing.assert_allclose(
        ascend(CONFIG, jnp.zeros(3), score, known), ascend(CONFIG, jnp.zeros(3), 1e3 * score + 5, known), rtol=1e-4
    )
    np.testing.assert_array_equal(ascend(CONFIG, jnp.zeros(3), jnp.full(3, 2.0), known), np.zeros(3))
    np.testing.assert_array_equal(ascend(CONFIG, jnp.zeros(3), jnp.full(3, -jnp.inf), ~known), np.zeros(3))


def test_levels_of_high_regret_are_replayed_more_often():
    drawn = [numbers for _, numbers, _ in live(make(), 60, lambda number: 1.0 * (number > HIGH))]
    late = np.concatenate(drawn[30:])
    assert np.mean(late > HIGH) > 0.35  # a tenth of new levels, and half of the levels are new


def test_no_level_is_in_two_slots_and_only_levels_with_a_score_have_a_logit():
    for state, _, ids in live(make(), 40, lambda number: number):
        assert len(set(ids.tolist())) == N
        unknown = np.asarray(state.plr.buffer.score) == -np.inf
        assert not np.asarray(state.logits)[unknown].any()


def test_nothing_moves_while_no_lifetime_ends():
    curriculum = make()
    *_, (state, _, ids) = live(curriculum, 12, lambda number: number)
    same = curriculum.update(state, ids, outcome(np.ones(N), np.zeros(N, bool)))
    np.testing.assert_array_equal(same.logits, state.logits)
    moved = curriculum.update(state, ids, outcome(np.ones(N), np.arange(N) == 0))
    assert (np.asarray(moved.logits) != np.asarray(state.logits)).any()


def test_the_entropy_of_the_distribution_is_logged_as_a_share():
    curriculum = make()
    shares = [
        float(curriculum.metrics(state)["replay_entropy"]) for state, _, _ in live(curriculum, 30, lambda n: n > HIGH)
    ]
    assert shares[2] > shares[-1] > 0.3  # it begins uniform and concentrates
    assert max(shares) <= 1.0 + 1e-6


def test_the_same_seed_gives_the_same_levels():
    runs = [[numbers for _, numbers, _ in live(make(), 12, lambda number: number, seed)] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("n", [N + 1])
def test_more_slots_than_it_was_made_for_are_refused(n):
    with pytest.raises(ValueError, match="num_slots=9"):
        make().init(jax.random.key(0), n)
