"""Trajectories, and the outputs of an agent's heads on them."""

from typing import NamedTuple

import jax.numpy as jnp

from groove.lpg.disco.heads import BY_ACTION
from groove.types import LOGITS, Array, Heads


class Trajectories(NamedTuple):
    """B trajectories of T transitions, time-major."""

    action: Array  # int32 [T, B]
    reward: Array  # f32 [T, B]: for the action
    ended: Array  # bool [T, B]: the transition ended its episode, by termination or truncation
    behaviour: Array  # f32 [T, B, A]: logits of the policy that acted


class Outputs(NamedTuple):
    """The outputs of an agent's heads at the T + 1 states of B trajectories, logits that are not normalised."""

    logits: Array  # f32 [T+1, B, A]: of the policy
    y: Array  # f32 [T+1, B, 600]
    z: Array  # f32 [T+1, B, A, 600]
    aux_pi: Array  # f32 [T+1, B, A, A]
    q: Array  # f32 [T+1, B, A, BINS]


def as_outputs(heads: Heads) -> Outputs:
    """Return the outputs of heads with an axis of actions where they have outputs for every action."""
    actions = heads[LOGITS].shape[-1]
    split = {name: x.reshape((*x.shape[:-1], actions, -1)) if name in BY_ACTION else x for name, x in heads.items()}
    return Outputs(**split)


def as_heads(outputs: Outputs) -> Heads:
    """Return the outputs by the names of the heads, f32[..., width]; the inverse of `as_outputs`."""
    lead = outputs.logits.shape[:-1]
    return {name: x.reshape((*lead, -1)) for name, x in outputs._asdict().items()}


def of_action(x: Array, action: Array) -> Array:
    """Return the outputs for the actions that were taken: f32[T, B, A, ...], int32[T, B] -> f32[T, B, ...]."""
    index = action.reshape((*action.shape, *[1] * (x.ndim - action.ndim)))
    return jnp.take_along_axis(x, index, axis=2).squeeze(2)
