"""Values and advantages of trajectories under the agent's policy: inputs of the rule, and the target of q."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove import ops
from groove.lpg.disco.experience import Outputs, Trajectories, of_action
from groove.lpg.disco.moments import Moments
from groove.lpg.disco.transforms import mean_value
from groove.types import Array

DISCOUNT = 0.997
_TRACE = 0.95


class Values(NamedTuple):
    """Values in units of reward. Primed values are those of the target network."""

    value: Array  # f32 [T+1, B]: V(s) = sum_a pi(a|s) Q(s, a)
    target_value: Array  # f32 [T+1, B]: V'(s), also under the policy of the agent
    q_value: Array  # f32 [T+1, B, A]: Q(s, a)
    target_q_value: Array  # f32 [T+1, B, A]: Q'(s, a)
    ratio: Array  # f32 [T, B]: pi / mu of the action, not clipped
    target: Array  # f32 [T, B]: the Retrace target G
    advantage: Array  # f32 [T, B]: G - V'(s)
    td_error: Array  # f32 [T, B]: G - Q(s, a)
    action_advantage: Array  # f32 [T+1, B, A]: Q'(s, a) - V'(s)


class Normalised(NamedTuple):
    """Advantages on the running scale of the agent's lifetime."""

    advantage: Array  # f32 [T, B]
    action_advantage: Array  # f32 [T+1, B, A]: on the scale of `advantage`


def estimate(seen: Trajectories, agent: Outputs, target: Outputs) -> Values:
    """Return the values, Retrace targets and advantages of trajectories.

    Args:
      seen: B trajectories.
      agent: outputs of the agent's heads.
      target: outputs of the target network's heads.
    """
    policy = jax.nn.softmax(agent.logits)
    q, target_q = mean_value(agent.q), mean_value(target.q)
    value, target_value = ((policy * x).sum(-1) for x in (q, target_q))
    log_ratio = ops.log_prob(agent.logits[:-1], seen.action) - ops.log_prob(seen.behaviour, seen.action)
    ratio = jnp.exp(log_ratio)
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
        action_advantage=target_q - target_value[..., None],
    )


def retrace(seen: Trajectories, value: Array, action_value: Array, ratio: Array) -> Array:
    """Return Retrace targets (Munos et al. 2016, eq. 4), f32[T, B].

    ::

        G_t = r_t + gamma_t (V(s_{t+1}) + c_{t+1} (G_{t+1} - Q(s_{t+1}, a_{t+1})))
        G_{T-1} = r_{T-1} + gamma_{T-1} V(s_T)

    with gamma_t = 0.997 (1 - ended_t) and c_t = 0.95 min(1, rho_t).

    Args:
      seen: B trajectories.
      value: f32[T+1, B], V.
      action_value: f32[T, B], Q of the actions that were taken.
      ratio: f32[T, B], rho.
    """
    discount = DISCOUNT * (1.0 - seen.ended)
    trace = _TRACE * jnp.minimum(1.0, ratio)

    def backward(correction: Array, step: tuple[Array, ...]) -> tuple[Array, Array]:
        reward, gamma, next_value, own_value, c = step
        goal = reward + gamma * (next_value + correction)
        return c * (goal - own_value), goal

    steps = (seen.reward, discount, value[1:], action_value, trace)
    return jax.lax.scan(backward, jnp.zeros_like(value[0]), steps, reverse=True)[1]


def normalised(values: Values, moments: Moments) -> Normalised:
    """Return advantages by the running moments of `advantage`, which have already seen these trajectories."""
    return Normalised(moments.normalised(values.advantage), moments.normalised(values.action_advantage))
