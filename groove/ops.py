"""Pure functions of arrays: advantages and categorical distributions."""

import chex
import jax
import jax.numpy as jnp

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
    """Generalised advantage estimates, exact at both kinds of episode end.

    A_t = delta_t + gamma * lambda * (1 - done_t) * A_{t+1}, with
    delta_t = r_t + gamma * (1 - terminated_t) * V(s'_t) - V(s_t) (Schulman et al. 2016, eq. 16). A truncated step
    bootstraps from its true successor s'_t and cuts the trace; a terminated one does neither.

    Args:
      reward, value, next_value: f32[T, W]; next_value of the true successors.
      terminated, truncated: bool[T, W].
      discount: gamma.
      trace: lambda.

    Returns:
      f32[T, W].
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


def normalise(x: Array, epsilon: float = 1e-8) -> Array:
    """Shifts and scales to zero mean and unit variance over all elements."""
    return (x - x.mean()) / (x.std() + epsilon)


def log_prob(logits: Array, action: Array) -> Array:
    """log pi(a) of a categorical: f32[..., A], int32[...] -> f32[...]."""
    chosen = action[..., None] == jnp.arange(logits.shape[-1])  # a select beats a gather, forwards and backwards
    return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(logits), 0.0), axis=-1)


def entropy(logits: Array) -> Array:
    """Entropy of a categorical, in nats: f32[..., A] -> f32[...]."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)


def kl_divergence(logits: Array, target_log_probs: Array) -> Array:
    """KL(softmax(logits) || target), in nats: f32[..., Y], f32[..., Y] -> f32[...]."""
    log_p = jax.nn.log_softmax(logits)
    return jnp.sum(jnp.exp(log_p) * (log_p - target_log_probs), axis=-1)


def sample_categorical(uniform: Array, logits: Array) -> Array:
    """Inverts the cumulative distribution: one uniform a sample, f32[...], f32[..., A] -> int32[...]."""
    probs = jax.nn.softmax(logits)
    cumulative = jnp.zeros_like(uniform)
    action = jnp.zeros(uniform.shape, jnp.int32)
    for a in range(logits.shape[-1] - 1):
        cumulative += probs[..., a]
        action += uniform >= cumulative
    return action
