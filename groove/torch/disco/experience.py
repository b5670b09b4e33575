"""Trajectories, and the outputs of an agent's heads on them; see groove.lpg.disco.experience."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from groove.lpg.disco.heads import BY_ACTION


class Trajectories(NamedTuple):
    """B trajectories of T transitions, time-major."""

    action: Tensor  # int64 [T, B]
    reward: Tensor  # f32 [T, B]: for the action
    ended: Tensor  # bool [T, B]: the transition ended its episode, by termination or truncation
    behaviour: Tensor  # f32 [T, B, A]: logits of the policy that acted


class Outputs(NamedTuple):
    """The outputs of an agent's heads at the T + 1 states of B trajectories, logits that are not normalised."""

    logits: Tensor  # f32 [T+1, B, A]: of the policy
    y: Tensor  # f32 [T+1, B, 600]
    z: Tensor  # f32 [T+1, B, A, 600]
    aux_pi: Tensor  # f32 [T+1, B, A, A]
    q: Tensor  # f32 [T+1, B, A, 601]

    def detached(self) -> "Outputs":
        """Return the same outputs as constants of every gradient."""
        return Outputs(*(x.detach() for x in self))


def as_outputs(heads: Mapping[str, Tensor]) -> Outputs:
    """Return the outputs of heads with an axis of actions where they have outputs for every action."""
    actions = heads["logits"].shape[-1]
    split = {name: x.unflatten(-1, (actions, -1)) if name in BY_ACTION else x for name, x in heads.items()}
    return Outputs(**split)


def of_action(x: Tensor, action: Tensor) -> Tensor:
    """Return the outputs for the actions that were taken: f32[T, B, A, ...], int64[T, B] -> f32[T, B, ...]."""
    index = action.reshape(*action.shape, *[1] * (x.ndim - action.ndim))
    return torch.take_along_dim(x, index, dim=2).squeeze(2)
