"""Helpers for arrays with batch axes."""

import jax.numpy as jnp

from groove.types import Array


def select(condition: Array, a: Array, b: Array) -> Array:
    """jnp.where with the condition bool[W] broadcast over trailing axes of [W, ...]."""
    return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - condition.ndim)), a, b)
