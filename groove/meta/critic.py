"""The meta-critic: a value function of one lifetime, which gives the meta-gradient its advantages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.types import VALUE, Array, Heads, Key, Params, PyTree, Rollout
from groove.utils.typed_fields import at_least

HEADS: Mapping[str, int] = {VALUE: 1}


@dataclass(frozen=True)
class CriticConfig:
    """Settings of the meta-critic.

    Attributes:
      trace: lambda of its advantages and TD(lambda) targets.
    """

    trace: float = at_least(0, 0.95, most=1)


class MetaCritic(NamedTuple):
    """The static parts of a meta-critic.

    Attributes:
      agent: reads and moves the critic's parameters; it has the heads `HEADS`.
      discount: gamma.
      trace: lambda.
    """

    agent: Agent
    discount: float
    trace: float


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Critic:
    """A value function and its optimizer, trained on every rollout of one student."""

    params: Params
    opt_state: PyTree
    # statistics of the newest rollout, f32 [] each; 0 before the first
    positive_value_loss: Array  # mean of max(A_t, 0)
    l1_value_loss: Array  # mean of |A_t|
    value: Array  # mean of V(s_t)


def begin_critic(meta_critic: MetaCritic, key: Key) -> Critic:
    """Return an untrained critic."""
    return Critic(*meta_critic.agent.init(key), *[jnp.zeros(())] * 3)


def critic_update(meta_critic: MetaCritic, critic: Critic, rollout: Rollout) -> tuple[Critic, Array, Array]:
    """Compute advantages, then take one step on (V(s_t) - R_t)^2 / 2 with TD(lambda) targets R_t.

    Args:
      meta_critic: the static parts.
      critic: of one slot.
      rollout: [T, W].

    Returns:
      The critic, the advantages f32[T, W] and the mean squared error f32[], both before the step.
    """
    agent = meta_critic.agent
    params, heads = agent.read(critic.params, rollout.obs, (VALUE,))
    params, after = agent.read(params, rollout.next_obs, (VALUE,))
    value = heads[VALUE][..., 0]
    advantage = ops.generalised_advantage(
        rollout.reward,
        value,
        after[VALUE][..., 0],
        rollout.terminated,
        rollout.truncated,
        meta_critic.discount,
        meta_critic.trace,
    )
    target = value + advantage

    def loss(heads: Heads) -> Array:
        return 0.5 * jnp.mean((heads[VALUE][..., 0] - target) ** 2)

    error, gradient = jax.value_and_grad(loss)(heads)
    params, opt_state = agent.step(params, critic.opt_state, rollout.obs, gradient)
    statistics = (jnp.maximum(advantage, 0.0).mean(), jnp.abs(advantage).mean(), value.mean())
    return Critic(params, opt_state, *statistics), advantage, 2 * error
