"""Values and advantages of trajectories under the agent's policy; see groove.lpg.disco.values."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from groove.torch.disco.experience import Outputs, Trajectories, of_action
from groove.torch.disco.moments import Moments
from groove.torch.disco.transforms import mean_value

_DISCOUNT, _TRACE = 0.997, 0.95


class Values(NamedTuple):
    """Values in units of reward. Primed values are those of the target network."""

    value: Tensor  # f32 [T+1, B]: V(s) = sum_a pi(a|s) Q(s, a)
    target_value: Tensor  # f32 [T+1, B]: V'(s), also under the policy of the agent
    q_value: Tensor  # f32 [T+1, B, A]: Q(s, a)
    target_q_value: Tensor  # f32 [T+1, B, A]: Q'(s, a)
    ratio: Tensor  # f32 [T, B]: pi / mu of the action, not clipped
    target: Tensor  # f32 [T, B]: the Retrace target G
    advantage: Tensor  # f32 [T, B]: G - V'(s)
    td_error: Tensor  # f32 [T, B]: G - Q(s, a)
    action_advantage: Tensor  # f32 [T+1, B, A]: Q'(s, a) - V'(s)


class Normalised(NamedTuple):
    """Advantages on the running scale of the agent's lifetime."""

    advantage: Tensor  # f32 [T, B]
    action_advantage: Tensor  # f32 [T+1, B, A]: on the scale of `advantage`


def estimate(seen: Trajectories, agent: Outputs, target: Outputs) -> Values:
    """Return the values, Retrace targets and advantages of trajectories.

    Args:
      seen: B trajectories.
      agent: outputs of the agent's heads.
      target: outputs of the target network's heads.
    """
    policy = F.softmax(agent.logits, -1)
    q, target_q = mean_value(agent.q), mean_value(target.q)
    value, target_value = ((policy * x).sum(-1) for x in (q, target_q))
    log_pi, log_mu = (of_action(F.log_softmax(x, -1), seen.action) for x in (agent.logits[:-1], seen.behaviour))
    ratio = (log_pi - log_mu).exp()
    goal = retrace(seen, target_value, of_action(target_q[:-1], seen.action), ratio)
    return Values(
        value=value,
        target_value=target_value,
        q_value=q,
        target_q_value=target_q,
        ratio=ratio,
        target=goal,
        advantage=goal - target_value[:-1],
        td_error=goal - of_action(q[:-1], seen.action),
        action_advantage=target_q - target_value.unsqueeze(-1),
    )


def retrace(seen: Trajectories, value: Tensor, action_value: Tensor, ratio: Tensor) -> Tensor:
    """Return Retrace targets (Munos et al. 2016, eq. 4), f32[T, B]; the equation is in groove.lpg.disco.values.

    Args:
      seen: B trajectories.
      value: f32[T+1, B], V.
      action_value: f32[T, B], Q of the actions that were taken.
      ratio: f32[T, B], rho.
    """
    discount = _DISCOUNT * (1 - seen.ended.float())
    trace = _TRACE * ratio.clamp(max=1.0)
    correction, goals = torch.zeros_like(value[0]), []
    for t in reversed(range(len(seen.reward))):
        goals.append(seen.reward[t] + discount[t] * (value[t + 1] + correction))
        correction = trace[t] * (goals[-1] - action_value[t])
    return torch.stack(goals[::-1])


def normalised(values: Values, moments: Moments) -> Normalised:
    """Return advantages by the running moments of `advantage`, which have already seen these trajectories."""
    return Normalised(moments.normalised(values.advantage), moments.normalised(values.action_advantage))
