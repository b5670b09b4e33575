"""Haiku networks: a torso, chosen by the agent's configuration, and the heads that the update rule needs."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove.agents.layers import SparseLinear, conv3x3, conv_valid, multi_hot
from groove.envs.base import Box, MultiHot
from groove.types import Array, Heads, Key, Params

NATURE_CONVOLUTIONS = ((8, 4), (4, 2), (3, 1))  # (kernel, stride) of the network of Mnih et al. (2015)
_SPARSE_FROM = 512  # size of a MultiHot observation from which the first layer sums rows


class Network(NamedTuple):
    """A network with named heads.

    Attributes:
      init: key -> params.
      apply: (params, obs [..., shape], names) -> {name: f32[..., width]}, the outputs of the named heads.
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
    """Build an MLP or a convolutional network.

    Args:
      torso: "mlp", "conv" (3 x 3 convolutions, then the MLP), or "nature" (the three convolutions of
        `NATURE_CONVOLUTIONS` on observations from 0 to 255, then the MLP).
      observation: the observation space; a Box of rank 3 [height, width, channels] for "conv" and "nature".
      heads: head name -> width.
      widths: units of each hidden layer of the MLP.
      channels: output channels of each convolution.
    """

    def forward(obs: Array, names: Sequence[str]) -> Heads:
        flat, batch = flatten_batch(obs, observation)
        x = features(flat, torso, observation, widths, channels)
        outputs = {name: hk.Linear(heads[name], name=f"head_{name}")(x) for name in names}
        return {name: y.reshape((*batch, heads[name])) for name, y in outputs.items()}

    return as_network(forward, observation, tuple(heads))


def as_network(
    forward: Callable[[Array, Sequence[str]], Heads], observation: Box | MultiHot, names: Sequence[str]
) -> Network:
    """Return a Haiku function (observations, names of heads) -> outputs as a network.

    Args:
      forward: the function.
      observation: the observation space.
      names: all heads.
    """
    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))

    def init(key: Key) -> Params:
        return transformed.init(key, jnp.zeros((1, *_item_shape(observation)), jnp.int32), tuple(names))

    return Network(init=init, apply=transformed.apply)


def flatten_batch(obs: Array, observation: Box | MultiHot) -> tuple[Array, tuple[int, ...]]:
    """Return observations [..., shape] as [B, shape], and the leading axes."""
    shape = _item_shape(observation)
    return obs.reshape((-1, *shape)), obs.shape[: obs.ndim - len(shape)]


def features(
    x: Array,
    torso: str,
    observation: Box | MultiHot,
    widths: Sequence[int],
    channels: Sequence[int],
    linear_end: bool = False,
) -> Array:
    """Return the output of a torso inside a Haiku function, f32[B, D].

    Args:
      x: observations [B, shape].
      torso: see `make_network`.
      observation: the observation space.
      widths: see `make_network`.
      channels: see `make_network`.
      linear_end: whether the last hidden layer has no activation.
    """

    def name_of(i: int) -> str:  # torsos that are read differently have different parameters, see `policy_form`
        return "torso_end" if linear_end and i == len(widths) - 1 else f"torso_linear_{i}"

    def activated(i: int, x: Array) -> Array:
        return x if linear_end and i == len(widths) - 1 else jax.nn.relu(x)

    hidden = list(enumerate(widths))
    if isinstance(observation, MultiHot) and observation.size >= _SPARSE_FROM and hidden:
        i, width = hidden.pop(0)
        x = activated(i, SparseLinear(observation.size, width, name=name_of(i))(x))
    elif isinstance(observation, MultiHot):
        x = multi_hot(x, observation.size)
    else:
        x = x.astype(jnp.float32)
    if torso == "conv":
        for i, width in enumerate(channels):
            x = jax.nn.relu(conv3x3(x, width, name=f"torso_conv_{i}"))
    if torso == "nature":
        x = x / 255.0
        for i, (width, (kernel, stride)) in enumerate(zip(channels, NATURE_CONVOLUTIONS, strict=True)):
            x = jax.nn.relu(conv_valid(x, width, kernel, stride, name=f"torso_conv_{i}"))
    x = x.reshape(x.shape[0], -1)
    for i, width in hidden:
        x = activated(i, hk.Linear(width, name=name_of(i))(x))
    return x


def _item_shape(observation: Box | MultiHot) -> tuple[int, ...]:
    return (observation.active,) if isinstance(observation, MultiHot) else observation.shape
