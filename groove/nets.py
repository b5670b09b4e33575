"""Haiku networks: a torso chosen by the agent's config, with the heads the update rule asks for."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.types import Array, Heads, Key, Params


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
    observation_shape: tuple[int, ...],
    heads: Mapping[str, int],
    widths: Sequence[int],
    channels: Sequence[int] = (),
) -> Network:
    """Builds an MLP or a convolutional network.

    Args:
      torso: "mlp" or "conv" (3 x 3 convolutions with `channels`, then the MLP).
      observation_shape: of one observation; rank 3 [height, width, channels] for "conv".
      heads: name -> width.
      widths: hidden layers of the MLP.
      channels: of the convolutions.
    """

    def forward(obs: Array, names: Sequence[str]) -> Heads:
        x = obs.astype(jnp.float32)
        batch = x.shape[: x.ndim - len(observation_shape)]
        x = x.reshape((-1, *observation_shape))
        if torso == "conv":
            for i, width in enumerate(channels):
                x = jax.nn.relu(conv3x3(x, width, name=f"torso_conv_{i}"))
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(widths):
            x = jax.nn.relu(hk.Linear(width, name=f"torso_linear_{i}")(x))
        outputs = {name: hk.Linear(heads[name], name=f"head_{name}")(x) for name in names}
        return {name: y.reshape((*batch, heads[name])) for name, y in outputs.items()}

    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))
    everything = tuple(heads)

    def init(key: Key) -> Params:
        return transformed.init(key, jnp.zeros((1, *observation_shape)), everything)

    return Network(init=init, apply=transformed.apply)


def conv3x3(x: Array, width: int, name: str) -> Array:
    """A 3 x 3 convolution, stride 1, same padding, as nine shifted slices and one multiplication.

    XLA's CPU backend runs a convolution inside a scan 10 to 20 times slower than this (jax issue 12868).
    """
    _, height, breadth, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + breadth] for i in range(3) for j in range(3)]
    return hk.Linear(width, name=name)(jnp.concatenate(shifted, axis=-1))
