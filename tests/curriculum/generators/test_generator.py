"""The parts that all generators share: the baseline, the clipped ratio and the floor of the entropy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.generators.generator import ScoreScale, clipped_gain, entropy_floor


def test_scores_are_standardised_by_a_running_mean_and_deviation():
    scale, advantage = ScoreScale.blank().standardise(
        jnp.asarray([1.0, 3.0, 99.0]), jnp.asarray([True, True, False]), 0.5
    )
    np.testing.assert_allclose(advantage, [-1, 1, 0], rtol=1e-6)  # the first scores are their own mean
    scale, advantage = scale.standardise(jnp.asarray([4.0, 4.0, 4.0]), jnp.ones(3, bool), 0.5)
    np.testing.assert_allclose([scale.mean, scale.square], [(2 + 4) / 2, (5 + 16) / 2], rtol=1e-6)
    np.testing.assert_allclose(advantage, (4 - 3) / np.sqrt(10.5 - 9), rtol=1e-6)
    assert int(scale.updates) == 2


@pytest.mark.parametrize(("ratio", "advantage", "gain"), [(1.5, 2, 2.4), (0.5, 2, 1.0), (1.5, -2, -3), (0.5, -2, -1.6)])
def test_ratios_count_within_their_range(ratio, advantage, gain):
    np.testing.assert_allclose(clipped_gain(jnp.log(ratio), jnp.float32(advantage), 0.2), gain, rtol=1e-5)


def test_at_a_ratio_of_one_the_gradient_is_that_of_reinforce():
    assert jax.grad(clipped_gain)(0.0, jnp.float32(-1.7), 0.2) == pytest.approx(-1.7)


@pytest.mark.parametrize(("odds", "choices"), [(50.0, 4), (50.0, 100), (3.0, 2)])
def test_no_distribution_within_the_odds_has_less_entropy_than_the_floor(odds, choices):
    floor = entropy_floor(odds, choices)
    logits = np.random.default_rng(0).choice([0.0, np.log(odds)], (5000, choices), p=[0.9, 0.1])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = -(p * np.log(p)).sum(1) / np.log(choices)
    assert floor <= entropy.min() + 1e-9
    assert floor == pytest.approx(entropy.min(), abs=0.01)
