"""Haiku networks: a torso chosen by the agent's config, with the heads the update rule asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.envs.base import Box, MultiHot
from groove.types import Array, Heads, Key, Params

NATURE_CONVOLUTIONS = ((8, 4), (4, 2), (3, 1))  # (kernel, stride) of the network of Mnih et al. (2015)


class Network(NamedTuple):
    """A network with named heads.

    Attributes:
      init: key -> params.
      apply: (params, obs [..., *shape], names) -> {name: f32[..., width]} for the heads named.
    """

    init: Callable[[Key], Params]
    apply: Callable[[Params, Array, Sequence[str]], Heads]


def make_network(
    torso: str,
    observation: Box | MultiHot,
    heads: Mapping[str, int],
    widths: Sequence[int],
    channels: Sequence[int] = (),
) -> Network:
    """Builds an MLP or a convolutional network.

    Args:
      torso: "mlp", "conv" (3 x 3 convolutions with `channels`, then the MLP), or "nature" (the three convolutions of
        `NATURE_CONVOLUTIONS` with `channels` on observations from 0 to 255, then the MLP).
      observation: what it sees; a Box of rank 3 [height, width, channels] for "conv" and "nature".
      heads: name -> width.
      widths: hidden layers of the MLP.
      channels: of the convolutions.
    """

    shape = (observation.active,) if isinstance(observation, MultiHot) else observation.shape

    def forward(obs: Array, names: Sequence[str]) -> Heads:
        batch = obs.shape[: obs.ndim - len(shape)]
        x = obs.reshape((-1, *shape))
        x = multi_hot(x, observation.size) if isinstance(observation, MultiHot) else x.astype(jnp.float32)
        if torso == "conv":
            for i, width in enumerate(channels):
                x = jax.nn.relu(conv3x3(x, width, name=f"torso_conv_{i}"))
        if torso == "nature":
            x = x / 255.0
            for i, (width, (kernel, stride)) in enumerate(zip(channels, NATURE_CONVOLUTIONS, strict=True)):
                x = jax.nn.relu(conv_valid(x, width, kernel, stride, name=f"torso_conv_{i}"))
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(widths):
            x = jax.nn.relu(hk.Linear(width, name=f"torso_linear_{i}")(x))
        outputs = {name: hk.Linear(heads[name], name=f"head_{name}")(x) for name in names}
        return {name: y.reshape((*batch, heads[name])) for name, y in outputs.items()}

    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))
    everything = tuple(heads)

    def init(key: Key) -> Params:
        return transformed.init(key, jnp.zeros((1, *shape), jnp.int32), everything)

    return Network(init=init, apply=transformed.apply)


def multi_hot(index: Array, size: int) -> Array:
    """The zeros and ones that a MultiHot observation stands for: int32[..., active] -> f32[..., size]."""
    return (index[..., None] == jnp.arange(size)).any(-2).astype(jnp.float32)


def conv3x3(x: Array, width: int, name: str) -> Array:
    """A 3 x 3 convolution, stride 1, same padding, as nine shifted slices and one multiplication.

    XLA's CPU backend runs a convolution inside a scan 10 to 20 times slower than this (jax issue 12868).
    """
    _, height, breadth, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + breadth] for i in range(3) for j in range(3)]
    return hk.Linear(width, name=name)(jnp.concatenate(shifted, axis=-1))


def conv_valid(x: Array, width: int, kernel: int, stride: int, name: str) -> Array:
    """A k x k convolution, valid padding, whose stride s divides k, as (k / s)^2 shifted slices and one multiplication.

    Blocks of s x s pixels become one pixel first, which makes it a convolution of stride 1. On XLA's CPU backend this
    is as fast as a convolution, and much faster inside a scan, as PPO's minibatches are: see `conv3x3`.
    """
    batch, height, breadth, channels = x.shape
    rows, columns = ((side - kernel) // stride + 1 for side in (height, breadth))
    reach = kernel // stride
    tall, broad = rows + reach - 1, columns + reach - 1
    blocks = x[:, : tall * stride, : broad * stride].reshape(batch, tall, stride, broad, stride, channels)
    blocks = blocks.swapaxes(2, 3).reshape(batch, tall, broad, -1)
    shifted = [blocks[:, i : i + rows, j : j + columns] for i in range(reach) for j in range(reach)]
    return hk.Linear(width, name=name)(jnp.concatenate(shifted, axis=-1))
