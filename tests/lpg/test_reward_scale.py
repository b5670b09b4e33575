"""The running scale of rewards: the largest discounted return within a rollout, by a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.lpg.reward_scale import RewardScale, scale_rewards
from groove.types import Learner, Rollout

T, W, DISCOUNT = 6, 3, 0.9


def _rollout(seed, unit=1.0):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 4, (T, W))
    zero = np.zeros((T, W), np.int32)
    reward = (unit * rng.normal(size=(T, W))).astype(np.float32)
    return Rollout(zero, zero, reward, ends == 0, ends == 1, zero)


def _learner(peak):
    return Learner((), (), jnp.int32(0), jnp.int32(9), RewardScale(jnp.float32(peak)))


def _largest_return(rollout):
    largest = 0.0
    for w in range(W):
        value = 0.0
        for t in reversed(range(T)):
            if rollout.terminated[t, w] or rollout.truncated[t, w]:
                value = 0.0
            value = rollout.reward[t, w] + DISCOUNT * value
            largest = max(largest, abs(value))
    return largest


def test_the_peak_is_the_largest_return_of_all_rollouts():
    learner, expected = _learner(0.0), 0.0
    for seed in range(5):
        rollout = _rollout(seed)
        learner, scaled = scale_rewards(learner, rollout, DISCOUNT)
        expected = max(expected, _largest_return(rollout))
        np.testing.assert_allclose(learner.rule_state.peak, expected, rtol=1e-6)
        np.testing.assert_allclose(scaled.reward, rollout.reward / expected, rtol=1e-6)
        assert _largest_return(jax.tree.map(np.asarray, scaled)) <= 1 + 1e-6


def test_rewards_of_zero_stay_zero():
    learner, scaled = scale_rewards(_learner(0.0), _rollout(0, unit=0.0), DISCOUNT)
    np.testing.assert_array_equal(scaled.reward, np.zeros((T, W)))
    assert float(learner.rule_state.peak) == 0.0


def test_returns_beyond_float32_make_all_later_rewards_nan_instead_of_zero():
    never = np.zeros((T, W), bool)
    large = Rollout(*[np.zeros((T, W), np.int32)] * 2, np.full((T, W), 3e38, np.float32), never, never, never)
    learner, scaled = scale_rewards(_learner(1.0), large, DISCOUNT)
    _, later = scale_rewards(learner, _rollout(0), DISCOUNT)
    assert np.isnan(scaled.reward).all()
    assert np.isnan(later.reward).all()
