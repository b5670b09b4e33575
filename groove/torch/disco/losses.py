"""The losses of an agent's heads, given the rule's targets; see groove.lpg.disco.losses."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from groove.torch.disco.experience import Outputs, Trajectories, of_action
from groove.torch.disco.network import Targets
from groove.torch.disco.transforms import squash, two_hot
from groove.torch.functions import kl_divergence

_VALUE_WEIGHT = 0.2
_EPSILON = 1e-8


class Losses(NamedTuple):
    """The loss of each transition, f32 [T, B] in nats."""

    policy: Tensor  # KL(target of the policy || policy)
    y: Tensor  # KL(target of y || y)
    z: Tensor  # KL(target of z || z of the action)
    next_policy: Tensor  # KL(policy at the next state || aux_pi of the action); 0 where the episode ended
    value: Tensor  # cross-entropy of q of the action against the two-hot code of the Retrace target

    def weighted(self) -> Tensor:
        """Return the weighted sum, f32[T, B]."""
        return self.policy + self.y + self.z + self.next_policy + _VALUE_WEIGHT * self.value


def losses(agent: Outputs, seen: Trajectories, targets: Targets, goal: Tensor) -> Losses:
    """Return the losses of B trajectories; targets are constants of the gradient.

    Args:
      agent: outputs of the agent's heads.
      seen: the trajectories.
      targets: of the rule.
      goal: f32[T, B], Retrace targets in units of reward.
    """
    here = Outputs(*(x[:-1] for x in agent))
    log_q = F.log_softmax(of_action(here.q, seen.action), -1)
    return Losses(
        policy=_divergence(targets.policy, here.logits),
        y=_divergence(targets.y, here.y),
        z=_divergence(targets.z, of_action(here.z, seen.action)),
        next_policy=(1 - seen.ended.float()) * _divergence(agent.logits[1:], of_action(here.aux_pi, seen.action)),
        value=-(two_hot(squash(goal.detach())) * log_q).sum(-1),
    )


def total(by_step: Losses, mask: Tensor | None = None) -> Tensor:
    """Return the mean of the weighted losses over the transitions that the mask, f32[T, B], does not hide, f32 []."""
    weighted = by_step.weighted()
    return weighted.mean() if mask is None else (mask * weighted).sum() / (mask.sum() + _EPSILON)


def _divergence(target: Tensor, logits: Tensor) -> Tensor:
    """Return KL(softmax(target) || softmax(logits)), in nats, where the target is a constant."""
    return kl_divergence(target.detach(), F.log_softmax(logits, -1))
