"""Helpers for arrays with batch axes."""

import jax.numpy as jnp

from groove.types import Array


def select(condition: Array, a: Array, b: Array) -> Array:
    """Return jnp.where(condition, a, b) with the condition bool[W] broadcast over the trailing axes of [W, ...]."""
    return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - condition.ndim)), a, b)
