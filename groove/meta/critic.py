"""The meta-critic: a value function of one lifetime, by which the meta-gradient knows what was better than expected."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.types import Array, Heads, Key, Params, PyTree, Rollout

HEADS: Mapping[str, int] = {"value": 1}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Critic:
    """A value function and its optimizer; it learns from every rollout of the student, for as long as that lives."""

    params: Params
    opt_state: PyTree
    # what it thought of the newest rollout, f32 [] each; 0 before the first
    positive_value_loss: Array  # mean of max(A_t, 0)
    l1_value_loss: Array  # mean of |A_t|
    value: Array  # mean of V(s_t)


def begin_critic(agent: Agent, key: Key) -> Critic:
    """A critic that knows nothing yet."""
    return Critic(*agent.init(key), *[jnp.zeros(())] * 3)


def critic_update(
    agent: Agent, critic: Critic, rollout: Rollout, discount: float, trace: float
) -> tuple[Critic, Array, Array]:
    """Advantages under the critic as it was, then one step on (V(s_t) - R_t)^2 / 2 with TD(lambda) targets R_t.

    Args:
      agent: how to read and step the critic.
      critic: of one slot.
      rollout: [T, W].
      discount: gamma.
      trace: lambda.

    Returns:
      the critic, the advantages f32[T, W], and the mean squared error before the step, f32[].
    """
    params, heads = agent.read(critic.params, rollout.obs, ("value",))
    params, after = agent.read(params, rollout.next_obs, ("value",))
    value = heads["value"][..., 0]
    advantage = ops.generalised_advantage(
        rollout.reward, value, after["value"][..., 0], rollout.terminated, rollout.truncated, discount, trace
    )
    target = value + advantage

    def loss(heads: Heads) -> Array:
        return 0.5 * jnp.mean((heads["value"][..., 0] - target) ** 2)

    error, gradient = jax.value_and_grad(loss)(heads)
    params, opt_state = agent.step(params, critic.opt_state, rollout.obs, gradient)
    thought = (jnp.maximum(advantage, 0.0).mean(), jnp.abs(advantage).mean(), value.mean())
    return Critic(params, opt_state, *thought), advantage, 2 * error
