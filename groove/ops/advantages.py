"""Advantages: where truncation bootstraps, and termination does not."""

import chex
import jax
import jax.numpy as jnp

from groove.ops.masked import masked_mean, masked_std
from groove.types import Array


def generalised_advantage(
    reward: Array,
    value: Array,
    next_value: Array,
    terminated: Array,
    truncated: Array,
    discount: float,
    trace: float,
) -> Array:
    """Return generalised advantage estimates (Schulman et al. 2016, eq. 16), f32[T, W].

    ::

        A_t = delta_t + gamma lambda (1 - done_t) A_{t+1}
        delta_t = r_t + gamma (1 - terminated_t) V(s'_t) - V(s_t)

    where done_t is 1 if step t ends its episode in either way. A truncated step bootstraps from its true successor
    s'_t; a terminated step does not. Both cut the trace.

    Args:
      reward: f32[T, W].
      value: f32[T, W], V(s_t).
      next_value: f32[T, W], V(s'_t) at the true successors.
      terminated: bool[T, W].
      truncated: bool[T, W].
      discount: gamma.
      trace: lambda.
    """
    chex.assert_equal_shape([reward, value, next_value, terminated, truncated])
    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    decay = discount * trace * (1.0 - (terminated | truncated))

    def backward(advantage: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        delta_t, decay_t = step
        advantage = delta_t + decay_t * advantage
        return advantage, advantage

    _, advantages = jax.lax.scan(backward, jnp.zeros_like(delta[0]), (delta, decay), reverse=True)
    return advantages


def normalise(x: Array, epsilon: float = 1e-8, mask: Array | None = None) -> Array:
    """Return x shifted and scaled to zero mean and unit variance over the elements that the mask does not hide."""
    return (x - masked_mean(x, mask)) / (masked_std(x, mask) + epsilon)
