"""A2C with the interface of a learned rule, for the comparison in the JAX examples."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

import groove
from groove import ops


class A2C:
    """The rule that the learned rule replaces: advantages by GAE, a value loss, an entropy bonus."""

    prediction_width = 1  # a value, in the place of a prediction

    def init(self, params: Any, optimizer: optax.GradientTransformation) -> groove.AgentState:
        """Return an agent at the beginning of its lifetime."""
        return groove.AgentState(params, optimizer.init(params), (), jnp.int32(0))

    def update(
        self, learner: groove.AgentState, apply: Any, optimizer: Any, rollout: groove.Rollout, *_: Any, **__: Any
    ) -> tuple[groove.AgentState, dict[str, jax.Array]]:
        """Take one step on the gradient of the loss."""
        gradient = jax.grad(self.loss)(learner.params, apply, rollout)
        moves, opt_state = optimizer.update(gradient, learner.opt_state, learner.params)
        return groove.AgentState(optax.apply_updates(learner.params, moves), opt_state, (), learner.updates + 1), {}

    def loss(self, params: Any, apply: Any, rollout: groove.Rollout) -> jax.Array:
        """Return the loss that the agent descends."""

        def heads(obs: jax.Array) -> tuple[jax.Array, jax.Array]:
            logits, value = apply(params, obs.reshape((-1, *obs.shape[2:])))
            return logits.reshape((*obs.shape[:2], -1)), value.reshape(obs.shape[:2])

        (logits, value), (_, after) = heads(rollout.obs), heads(rollout.next_obs)
        advantage = ops.generalised_advantage(
            rollout.reward, value, after, rollout.terminated, rollout.truncated, discount=0.99, trace=0.95
        )
        advantage, target = jax.lax.stop_gradient((ops.normalise(advantage), value + advantage))
        policy = -ops.log_prob(logits, rollout.action) * advantage - 0.01 * ops.entropy(logits)
        return jnp.mean(policy + 0.5 * (value - target) ** 2)
