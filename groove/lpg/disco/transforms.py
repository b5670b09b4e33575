"""Transforms of values: logarithms with a sign, and values as categorical distributions over bins.

Values are predicted as distributions over integer bins of a squashed scale, so that rewards of any unit can be learned
(Pohlen et al. 2018, "Observe and look further").
"""

import jax
import jax.numpy as jnp

from groove.lpg.disco.heads import LARGEST_BIN
from groove.types import Array

_SLOPE = 1e-3  # of the linear part of the squashing function
_TWO_HOT_EPSILON = 1e-5


def signed_log(x: Array) -> Array:
    """Return sign(x) log(1 + abs(x)), elementwise."""
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def squash(x: Array) -> Array:
    """Return h(x) = sign(x) (sqrt(abs(x) + 1) - 1) + 0.001 x (Pohlen et al. 2018, proposition A.2)."""
    return jnp.sign(x) * (jnp.sqrt(jnp.abs(x) + 1) - 1) + _SLOPE * x


def unsquash(x: Array) -> Array:
    """Return the inverse of `squash`, elementwise.

    With u = abs(x) and e = 0.001, the positive root m of e m^2 + (1 + 2 e) m - u = 0 gives h^-1 = sign(x) m (m + 2).
    The root is written as a quotient without differences, which would cancel in float32 near zero.
    """
    size = jnp.abs(x)
    linear = 1 + 2 * _SLOPE
    root = 2 * size / (linear + jnp.sqrt(linear**2 + 4 * _SLOPE * size))
    return jnp.sign(x) * root * (root + 2)


def mean_value(logits: Array) -> Array:
    """Return h^-1(sum_j softmax(logits)_j j), the value of a distribution over bins: f32[..., BINS] -> f32[...]."""
    bins = jnp.arange(-LARGEST_BIN, LARGEST_BIN + 1, dtype=jnp.float32)
    return unsquash(jax.nn.softmax(logits) @ bins)


def two_hot(x: Array) -> Array:
    """Return the distribution over the two bins beside a value of the squashed scale: f32[...] -> f32[..., BINS].

    The value is first clipped to the range of the bins. The lower bin l gets (u - x) / (u - l + 1e-5), where u is the
    upper one, and the upper bin gets the rest.
    """
    x = jnp.clip(x, -LARGEST_BIN, LARGEST_BIN)
    low, high = jnp.floor(x), jnp.ceil(x)
    share = (high - x) / (high - low + _TWO_HOT_EPSILON)
    bins = jnp.arange(-LARGEST_BIN, LARGEST_BIN + 1, dtype=jnp.float32)
    at_low, at_high = (bins == edge[..., None] for edge in (low, high))
    return at_low * share[..., None] + at_high * (1 - share)[..., None]
