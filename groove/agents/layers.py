"""Layers of agents' networks: convolutions as shifted slices, and sparse observations as vectors."""

import math

import haiku as hk
import jax.numpy as jnp

from groove.types import Array


def multi_hot(index: Array, size: int) -> Array:
    """Return the zeros and ones of a MultiHot observation: int32[..., active] -> f32[..., size]."""
    return (index[..., None] == jnp.arange(size)).any(-2).astype(jnp.float32)


class SparseLinear(hk.Module):
    """A linear layer on a MultiHot observation, as a sum of rows of its weights.

    The outputs and the parameters are those of hk.Linear on the `multi_hot` vector. The sum is faster than the product
    where few of many entries are active.
    """

    def __init__(self, size: int, width: int, name: str) -> None:
        """Declare a layer from vectors of `size` zeros and ones to `width` outputs."""
        super().__init__(name=name)
        self._size, self._width = size, width

    def __call__(self, index: Array) -> Array:
        """Return f32[B, width] for the active indices int32[B, active]; an index that is there twice counts once."""
        initial = hk.initializers.TruncatedNormal(1 / math.sqrt(self._size))
        w = hk.get_parameter("w", [self._size, self._width], init=initial)
        b = hk.get_parameter("b", [self._width], init=jnp.zeros)
        same = index[:, :, None] == index[:, None, :]
        is_first = ~jnp.tril(same, -1).any(-1)
        used = jnp.where((index >= 0) & is_first, index, self._size)  # rows beyond the last one are zero
        return w.at[used].get(mode="fill", fill_value=0.0).sum(-2) + b


def conv3x3(x: Array, width: int, name: str) -> Array:
    """Apply a 3 x 3 convolution of stride 1 with same padding, as nine shifted slices and one multiplication.

    XLA's CPU backend runs a convolution inside a scan 10 to 20 times slower than this (jax issue 12868).

    Args:
      x: f32[B, height, width, channels].
      width: number of output channels.
      name: of the Haiku layer.

    Returns:
      f32[B, height, width, channels].
    """
    _, height, breadth, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + breadth] for i in range(3) for j in range(3)]
    return hk.Linear(width, name=name)(jnp.concatenate(shifted, axis=-1))


def conv_valid(x: Array, width: int, kernel: int, stride: int, name: str) -> Array:
    """Apply a k x k convolution with valid padding, as (k / s)^2 shifted slices and one multiplication.

    The stride s must divide k. Blocks of s x s pixels first become one pixel, which makes the stride 1. On XLA's CPU
    backend the layer is as fast as a convolution, and much faster inside a scan such as PPO's: see `conv3x3`.

    Args:
      x: f32[B, height, width, channels].
      width: number of output channels.
      kernel: k.
      stride: s.
      name: of the Haiku layer.

    Returns:
      f32[B, (height - k) // s + 1, (width - k) // s + 1, channels].
    """
    batch, height, breadth, channels = x.shape
    rows, columns = ((side - kernel) // stride + 1 for side in (height, breadth))
    reach = kernel // stride
    tall, broad = rows + reach - 1, columns + reach - 1
    blocks = x[:, : tall * stride, : broad * stride].reshape(batch, tall, stride, broad, stride, channels)
    blocks = blocks.swapaxes(2, 3).reshape(batch, tall, broad, -1)
    shifted = [blocks[:, i : i + rows, j : j + columns] for i in range(reach) for j in range(reach)]
    return hk.Linear(width, name=name)(jnp.concatenate(shifted, axis=-1))
