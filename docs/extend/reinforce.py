"""REINFORCE with an entropy bonus as an update rule: an antagonist and a baseline without a critic."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.types import LOGITS, Array, Heads, Key, Learner, Rollout
from groove.utils.typed_fields import at_least


@dataclass(frozen=True)
class ReinforceConfig:
    """Settings of REINFORCE.

    Attributes:
      entropy_coefficient: weight of the policy's entropy, nats.
    """

    entropy_coefficient: float = at_least(0, 0.01)


def make_reinforce(config: ReinforceConfig, discount: float) -> UpdateRule:
    """Build the rule: one step per rollout on -log pi(a|s) G - c H(pi) (Williams 1992), with G normalised."""

    def update_one(agent: Agent, learner: Learner, rollout: Rollout) -> tuple[Learner, UpdateInfo]:
        params, heads = agent.read(learner.params, rollout.obs, (LOGITS,))
        weight = ops.normalise(returns(rollout, discount))
        gradients = jax.grad(loss)(heads, rollout.action, weight, config.entropy_coefficient)
        params, opt_state = agent.step(params, learner.opt_state, rollout.obs, gradients)
        info = UpdateInfo({"entropy": ops.entropy(heads[LOGITS]).mean()})
        return Learner(params, opt_state, learner.updates + 1, learner.lifetime), info

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        del eta, keys  # the rule has no parameters and draws no random numbers
        return jax.vmap(lambda one, r: update_one(agent, one, r))(learner, rollout)

    return UpdateRule("reinforce", lambda num_actions: {LOGITS: num_actions}, lambda key: (), update)


def returns(rollout: Rollout, discount: float) -> Array:
    """Return the discounted rewards from each step to the end of its episode or of the rollout, f32[T, W]."""
    zero = jnp.zeros_like(rollout.reward)  # generalised advantages of a zero value function at lambda = 1
    return ops.generalised_advantage(rollout.reward, zero, zero, rollout.terminated, rollout.truncated, discount, 1.0)


def loss(heads: Heads, action: Array, weight: Array, entropy_coefficient: float) -> Array:
    """Return the mean loss of one agent's rollout, f32 []; action int32[T, W], weight f32[T, W]."""
    policy = -ops.log_prob(heads[LOGITS], action) * weight
    return jnp.mean(policy - entropy_coefficient * ops.entropy(heads[LOGITS]))
