"""Running moments of a lifetime, by which advantages are normalised."""

from typing import NamedTuple

import jax.numpy as jnp

from groove.ops.masked import masked_mean
from groove.types import Array

_DECAY = 0.99
_EPSILON = 1e-6  # added to the scale
_ROOT_EPSILON = 1e-12  # added below the root


class Moments(NamedTuple):
    """Exponential moving averages, f32 [] each, which start at zero."""

    first: Array | float = 0.0  # of x
    second: Array | float = 0.0  # of x^2
    decayed: Array | float = 1.0  # weight that the start still has, 0.99^n

    def grown(self, x: Array, mask: Array | None = None) -> "Moments":
        """Return the moments after the elements of one more array, those that the mask does not hide."""
        return Moments(
            first=_DECAY * self.first + (1 - _DECAY) * masked_mean(x, mask),
            second=_DECAY * self.second + (1 - _DECAY) * masked_mean(x**2, mask),
            decayed=_DECAY * self.decayed,
        )

    def centre_and_scale(self) -> tuple[Array, Array]:
        """Return the mean and the standard deviation without the weight of the start; after one array or more."""
        seen = 1 - self.decayed
        mean = jnp.asarray(self.first / seen)
        variance = jnp.maximum(0.0, self.second / seen - mean**2)
        return mean, jnp.sqrt(variance + _ROOT_EPSILON) + _EPSILON

    def normalised(self, x: Array) -> Array:
        """Return x shifted by the running mean and divided by the running standard deviation."""
        mean, scale = self.centre_and_scale()
        return (x - mean) / scale
