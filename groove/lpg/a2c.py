"""Advantage actor-critic as an update rule: the antagonist and the baseline."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.base import UpdateRule
from groove.types import Array, Heads, Key, Learner, Rollout


@dataclass(frozen=True)
class A2CConfig:
    """Advantage actor-critic.

    Attributes:
      trace: lambda of generalised advantage estimation.
      entropy_coefficient: weight of the policy's entropy, nats.
      normalise_advantages: over one agent's batch.
    """

    trace: float = 0.95
    entropy_coefficient: float = 0.01
    normalise_advantages: bool = True


def make_a2c(config: A2CConfig, discount: float) -> UpdateRule:
    """Builds the rule: one step a rollout on -log pi(a|s) A - c H(pi) + (V - R)^2 / 2 (Mnih et al. 2016), A by GAE."""

    def update_one(agent: Agent, learner: Learner, rollout: Rollout) -> tuple[Learner, dict[str, Array]]:
        params, heads = agent.read(learner.params, rollout.obs, ("logits", "value"))
        params, after = agent.read(params, rollout.next_obs, ("value",))
        value, next_value = heads["value"][..., 0], after["value"][..., 0]
        advantage, target = advantages(rollout, value, next_value, discount, config.trace, config.normalise_advantages)
        gradients = jax.grad(loss)(heads, rollout.action, advantage, target, config.entropy_coefficient)
        params, opt_state = agent.step(params, learner.opt_state, rollout.obs, gradients)
        error = jnp.mean((value - target) ** 2)
        return Learner(params, opt_state, learner.updates + 1, learner.lifetime), {"value_error": error}

    def update(
        eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key
    ) -> tuple[Learner, dict[str, Array]]:
        del eta, keys
        return jax.vmap(lambda one, r: update_one(agent, one, r))(learner, rollout)

    return UpdateRule(
        name="a2c",
        heads=lambda num_actions: {"logits": num_actions, "value": 1},
        init=lambda key: (),
        update=update,
    )


def advantages(
    rollout: Rollout, value: Array, next_value: Array, discount: float, trace: float, normalise: bool
) -> tuple[Array, Array]:
    """Advantages and value targets, f32[T, W] each; the targets are of the advantages before any normalisation."""
    advantage = ops.generalised_advantage(
        rollout.reward, value, next_value, rollout.terminated, rollout.truncated, discount, trace
    )
    return (ops.normalise(advantage) if normalise else advantage), value + advantage


def loss(heads: Heads, action: Array, advantage: Array, target: Array, entropy_coefficient: float) -> Array:
    """The actor-critic loss of one agent's rollout, per-step advantages f32[T, W] on per-step log-probabilities."""
    value = heads["value"][..., 0]
    policy = -ops.log_prob(heads["logits"], action) * advantage
    return jnp.mean(policy - entropy_coefficient * ops.entropy(heads["logits"]) + 0.5 * (value - target) ** 2)
