"""The losses of an agent's heads, given the rule's targets."""

from typing import NamedTuple

import jax

from groove import ops
from groove.lpg.disco.experience import Outputs, Trajectories, of_action
from groove.lpg.disco.network import Targets
from groove.lpg.disco.transforms import squash, two_hot
from groove.types import Array

_VALUE_WEIGHT = 0.2
_EPSILON = 1e-8


class Losses(NamedTuple):
    """The loss of each transition, f32 [T, B] in nats."""

    policy: Array  # KL(target of the policy || policy)
    y: Array  # KL(target of y || y)
    z: Array  # KL(target of z || z of the action)
    next_policy: Array  # KL(policy at the next state || aux_pi of the action); 0 where the episode ended
    value: Array  # cross-entropy of q of the action against the two-hot code of the Retrace target

    def weighted(self) -> Array:
        """Return the weighted sum, f32[T, B]."""
        return self.policy + self.y + self.z + self.next_policy + _VALUE_WEIGHT * self.value


def losses(agent: Outputs, seen: Trajectories, targets: Targets, goal: Array) -> Losses:
    """Return the losses of B trajectories; targets are constants of the gradient.

    Args:
      agent: outputs of the agent's heads.
      seen: the trajectories.
      targets: of the rule.
      goal: f32[T, B], Retrace targets in units of reward.
    """
    here = Outputs(*(x[:-1] for x in agent))
    targets, goal, next_logits = jax.lax.stop_gradient((targets, goal, agent.logits[1:]))
    log_q = jax.nn.log_softmax(of_action(here.q, seen.action))
    return Losses(
        policy=_divergence(targets.policy, here.logits),
        y=_divergence(targets.y, here.y),
        z=_divergence(targets.z, of_action(here.z, seen.action)),
        next_policy=(1.0 - seen.ended) * _divergence(next_logits, of_action(here.aux_pi, seen.action)),
        value=-(two_hot(squash(goal)) * log_q).sum(-1),
    )


def total(by_step: Losses, mask: Array | None = None) -> Array:
    """Return the mean of the weighted losses over the transitions that the mask, f32[T, B], does not hide, f32 []."""
    weighted = by_step.weighted()
    if mask is None:
        return weighted.mean()
    return (mask * weighted).sum() / (mask.sum() + _EPSILON)


def _divergence(target: Array, logits: Array) -> Array:
    """Return KL(softmax(target) || softmax(logits)), in nats."""
    return ops.kl_divergence(target, jax.nn.log_softmax(logits))
