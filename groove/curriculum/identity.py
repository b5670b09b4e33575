"""The identity of levels: equal content, wherever it came from."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.types import Array, PyTree

_WORDS = 2  # 32-bit words of a hash; 64 bits make a chance match of two levels of a buffer impossible in practice


def content_hash(levels: PyTree) -> Array:
    """Return a hash of the content of each level, uint32 [n, 2]; equal levels have equal hashes.

    Args:
      levels: leaves [n, ...].
    """
    words = jnp.concatenate([_words_of(leaf) for leaf in jax.tree.leaves(levels)], axis=1)
    factors = np.random.default_rng(0).integers(2**32, size=(2, _WORDS, words.shape[1]), dtype=np.uint32)
    mixed = [_mix(words ^ offset) * (factor | 1) for offset, factor in zip(*factors, strict=True)]
    return jnp.stack([_mix(each.sum(axis=1, dtype=jnp.uint32)) for each in mixed], axis=1)


def _words_of(leaf: Array) -> Array:
    """Return the content of a leaf [n, ...] as uint32 [n, words]."""
    rows = leaf.reshape(leaf.shape[0], -1)
    if rows.dtype == jnp.float32:
        return jax.lax.bitcast_convert_type(rows + 0.0, jnp.uint32)  # -0 is 0
    return rows.astype(jnp.uint32)


def _mix(x: Array) -> Array:
    """Spread every bit of uint32 over all bits (the finaliser of MurmurHash3)."""
    x = (x ^ x >> 16) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> 13) * np.uint32(0xC2B2AE35)
    return x ^ x >> 16
