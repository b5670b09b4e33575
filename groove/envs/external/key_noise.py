"""Noise made of PRNG keys, for JAX games that draw their own random numbers, and plain arrays for their states."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.types import Key, PyTree


class Keys(NamedTuple):
    """Separate keys for a step and for the reset that may follow it at the same index of the batch."""

    step: Key
    reset: Key


def draw_keys(key: Key, shape: tuple[int, ...]) -> Keys:
    """Split a key into two different keys for each index of `shape`."""
    return Keys(*(jax.random.split(k, shape) for k in jax.random.split(key)))


def plain_arrays(tree: PyTree) -> PyTree:
    """Convert Python numbers and weakly typed arrays to arrays of the type that JAX gives them."""
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x)), tree)
