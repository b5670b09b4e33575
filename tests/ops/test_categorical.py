"""Categorical distributions against arithmetic by hand."""

import jax.numpy as jnp
import numpy as np

from groove import ops


def test_categorical_by_hand():
    logits = jnp.log(jnp.asarray([[0.5, 0.25, 0.25]]))
    np.testing.assert_allclose(ops.entropy(logits), [1.5 * np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(ops.log_prob(logits, jnp.asarray([2])), [np.log(0.25)], rtol=1e-6)
    uniform = jnp.log(jnp.full((1, 3), 1 / 3))
    np.testing.assert_allclose(ops.kl_divergence(logits, uniform), [np.log(3) - 1.5 * np.log(2)], rtol=1e-5)


def test_sampling_inverts_the_cumulative_distribution():
    logits = jnp.log(jnp.asarray([0.2, 0.5, 0.3]))
    uniform = jnp.asarray([0.0, 0.19, 0.21, 0.69, 0.71, 0.9999999])
    actions = ops.sample_categorical(uniform, jnp.broadcast_to(logits, (6, 3)))
    assert actions.tolist() == [0, 0, 1, 1, 2, 2]
