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

    shape = (observation.active,) if isinstance(observation, MultiHot) else observation.shape

    def forward(obs: Array, names: Sequence[str]) -> Heads:
        batch = obs.shape[: obs.ndim - len(shape)]
        x = obs.reshape((-1, *shape))
        hidden = list(enumerate(widths))
        if isinstance(observation, MultiHot) and observation.size >= _SPARSE_FROM and hidden:
            i, width = hidden.pop(0)
            x = jax.nn.relu(SparseLinear(observation.size, width, name=f"torso_linear_{i}")(x))
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
            x = jax.nn.relu(hk.Linear(width, name=f"torso_linear_{i}")(x))
        outputs = {name: hk.Linear(heads[name], name=f"head_{name}")(x) for name in names}
        return {name: y.reshape((*batch, heads[name])) for name, y in outputs.items()}

    transformed: hk.Transformed = hk.without_apply_rng(hk.transform(forward))
    everything = tuple(heads)

    def init(key: Key) -> Params:
        return transformed.init(key, jnp.zeros((1, *shape), jnp.int32), everything)

    return Network(init=init, apply=transformed.apply)
