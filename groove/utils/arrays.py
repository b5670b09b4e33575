"""Helpers for arrays with batch axes."""

import jax.numpy as jnp

from groove.types import Array


def select(condition: Array, a: Array, b: Array) -> Array:
    """Return jnp.where(condition, a, b) with the condition bool[W] broadcast over the trailing axes of [W, ...]."""
    return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - condition.ndim)), a, b)


def standardised(x: Array, known: Array) -> Array:
    """Return x, f32[n], with a mean of 0 and a standard deviation of 1 over the known entries, and 0 elsewhere."""
    count = jnp.maximum(jnp.sum(known), 1)
    centred = jnp.where(known, x - jnp.sum(jnp.where(known, x, 0.0)) / count, 0.0)
    deviation = jnp.sqrt(jnp.sum(centred**2) / count)
    return centred / jnp.where(deviation > 0, deviation, 1.0)
