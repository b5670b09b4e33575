"""Categorical distributions, given by logits."""

import jax
import jax.numpy as jnp

from groove.types import Array


def log_prob(logits: Array, action: Array) -> Array:
    """Return log pi(a): f32[..., A], int32[...] -> f32[...]."""
    chosen = action[..., None] == jnp.arange(logits.shape[-1])  # a select is faster than a gather in both passes
    return jnp.sum(jnp.where(chosen, jax.nn.log_softmax(logits), 0.0), axis=-1)


def entropy(logits: Array) -> Array:
    """Return the entropy, in nats: f32[..., A] -> f32[...]."""
    log_p = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.exp(log_p) * log_p, axis=-1)


def normalised_entropy(logits: Array) -> Array:
    """Return the entropy divided by its largest value, log A, and 0 for a single action: f32[..., A] -> f32[...]."""
    return entropy(logits) / jnp.log(max(logits.shape[-1], 2))


def kl_divergence(logits: Array, target_log_probs: Array) -> Array:
    """Return KL(softmax(logits) || target), in nats: f32[..., Y], f32[..., Y] -> f32[...]."""
    log_p = jax.nn.log_softmax(logits)
    return jnp.sum(jnp.exp(log_p) * (log_p - target_log_probs), axis=-1)


def sample_categorical(uniform: Array, logits: Array) -> Array:
    """Sample by the inverse of the cumulative distribution: uniforms f32[...], logits f32[..., A] -> int32[...]."""
    probs = jax.nn.softmax(logits)
    cumulative = jnp.zeros_like(uniform)
    action = jnp.zeros(uniform.shape, jnp.int32)
    for a in range(logits.shape[-1] - 1):
        cumulative += probs[..., a]
        action += uniform >= cumulative
    return action
