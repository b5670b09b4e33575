"""Advantage actor-critic as an update rule: the antagonist and the baseline."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.lpg.reward_scale import RewardScale, scale_rewards
from groove.types import LOGITS, VALUE, Array, Heads, Key, Learner, Rollout
from groove.utils.typed_fields import at_least, settings_repr


@dataclass(frozen=True, repr=False)
class A2CConfig:
    """Settings of advantage actor-critic.

    Attributes:
      trace: lambda of generalised advantage estimation.
      entropy_coefficient: weight of the policy's entropy, nats.
      normalise_advantages: whether advantages have zero mean and unit variance over one agent's rollout.
      scale_rewards: whether rewards are divided by the running scale of `groove.lpg.reward_scale`, so that the unit of
        reward does not matter. Part of `repr(config)` only if true, so that results of earlier versions keep their
        identity.
    """

    trace: float = at_least(0, 0.95, most=1)
    entropy_coefficient: float = 0.01
    normalise_advantages: bool = True
    scale_rewards: bool = False

    def __repr__(self) -> str:
        """Return the settings that are read."""
        return settings_repr(self, () if self.scale_rewards else ("scale_rewards",))


def make_a2c(config: A2CConfig, discount: float) -> UpdateRule:
    """Build the rule: one step per rollout on -log pi(a|s) A - c H(pi) + (V - R)^2 / 2 (Mnih et al. 2016).

    The advantage A is the generalised advantage estimate, and R = V + A.

    Args:
      config: of the rule.
      discount: gamma.
    """

    def update_one(agent: Agent, learner: Learner, rollout: Rollout) -> tuple[Learner, UpdateInfo]:
        if config.scale_rewards:
            learner, rollout = scale_rewards(learner, rollout, discount)
        params, heads = agent.read(learner.params, rollout.obs, (LOGITS, VALUE))
        params, after = agent.read(params, rollout.next_obs, (VALUE,))
        value, next_value = heads[VALUE][..., 0], after[VALUE][..., 0]
        advantage, target = advantages(rollout, value, next_value, discount, config.trace, config.normalise_advantages)
        gradients = jax.grad(loss)(heads, rollout.action, advantage, target, config.entropy_coefficient)
        params, opt_state = agent.step(params, learner.opt_state, rollout.obs, gradients)
        error = jnp.mean((value - target) ** 2)
        learner = learner.after_update(params, opt_state)
        return learner, UpdateInfo({"value_error": error})

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        del eta, keys
        return jax.vmap(lambda one, r: update_one(agent, one, r))(learner, rollout)

    return UpdateRule(
        name="a2c",
        heads=lambda num_actions: {LOGITS: num_actions, VALUE: 1},
        init=lambda key: (),
        update=update,
        state=RewardScale() if config.scale_rewards else (),
    )


def advantages(
    rollout: Rollout, value: Array, next_value: Array, discount: float, trace: float, normalise: bool
) -> tuple[Array, Array]:
    """Return advantages and value targets V + A, f32[T, W] each; targets use advantages before normalisation."""
    advantage = ops.generalised_advantage(
        rollout.reward, value, next_value, rollout.terminated, rollout.truncated, discount, trace
    )
    return (ops.normalise(advantage) if normalise else advantage), value + advantage


def loss(heads: Heads, action: Array, advantage: Array, target: Array, entropy_coefficient: float) -> Array:
    """Return the actor-critic loss of one agent's rollout, f32 [].

    Args:
      heads: LOGITS f32[T, W, A] and VALUE f32[T, W, 1].
      action: int32[T, W].
      advantage: f32[T, W]; each weighs the log-probability of its own step.
      target: f32[T, W], of the value.
      entropy_coefficient: weight of the policy's entropy.
    """
    value = heads[VALUE][..., 0]
    policy = -ops.log_prob(heads[LOGITS], action) * advantage
    return jnp.mean(policy - entropy_coefficient * ops.entropy(heads[LOGITS]) + 0.5 * (value - target) ** 2)
