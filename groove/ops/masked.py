"""Statistics over the elements that a mask does not hide."""

import jax.numpy as jnp

from groove.types import Array


def masked_mean(x: Array, mask: Array | None) -> Array:
    """Return the mean of x over the elements where the mask is true; over all elements if the mask is None.

    The mean is 0 if the mask hides everything.
    """
    if mask is None:
        return jnp.mean(x)
    return jnp.sum(jnp.where(mask, x, 0.0)) / jnp.maximum(jnp.sum(jnp.asarray(mask, jnp.float32)), 1.0)


def masked_std(x: Array, mask: Array | None) -> Array:
    """Return the standard deviation of x over the elements where the mask is true; over all if the mask is None."""
    if mask is None:
        return x.std()
    return jnp.sqrt(masked_mean((x - masked_mean(x, mask)) ** 2, mask))
