"""Proximal policy optimisation as an update rule: many steps on one rollout, none of them far from its policy."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.a2c import advantages
from groove.lpg.base import UpdateRule
from groove.types import Array, Heads, Key, Learner, Params, PyTree, Rollout


@dataclass(frozen=True)
class PPOConfig:
    """Proximal policy optimisation.

    Attributes:
      trace: lambda of generalised advantage estimation.
      entropy_coefficient: weight of the policy's entropy, nats.
      normalise_advantages: over one agent's whole batch, once, before the passes.
      clip: epsilon; a step gains nothing from ratios pi / pi_old beyond 1 +- epsilon. math.inf switches it off.
      epochs: passes over a rollout.
      minibatches: steps a pass; must divide T * W, the transitions of a rollout.
    """

    trace: float = 0.95
    entropy_coefficient: float = 0.01
    normalise_advantages: bool = True
    clip: float = 0.2
    epochs: int = 4
    minibatches: int = 4


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Transitions:
    """M transitions as the agent that made them saw them; only the heads are read again, at every step."""

    obs: Array  # [M, ...]
    action: Array  # int32 [M]
    log_prob: Array  # f32 [M]: of the action, before the first step
    advantage: Array  # f32 [M]
    target: Array  # f32 [M]: of the value


def make_ppo(config: PPOConfig, discount: float) -> UpdateRule:
    """Builds the rule: epochs x minibatches steps a rollout on the clipped surrogate (Schulman et al. 2017, eq. 7, 9).

    The first of them is A2C's on its minibatch, for there the ratio is one. Its info is "value_error", mean square,
    before the first step, and "clip_fraction", of all transitions in all steps, those with a ratio beyond the clip.

    Raises:
      ValueError: on a configuration that would not move the agent; from `update`, at trace time, when the minibatches
        do not divide the rollout.
    """
    if not (config.epochs >= 1 and config.minibatches >= 1 and config.clip > 0):
        raise ValueError(f"{config}: epochs and minibatches must be at least 1, and clip positive.")

    def update_one(agent: Agent, learner: Learner, rollout: Rollout, key: Key) -> tuple[Learner, dict[str, Array]]:
        params, heads = agent.read(learner.params, rollout.obs, ("logits", "value"))
        params, after = agent.read(params, rollout.next_obs, ("value",))
        value, next_value = heads["value"][..., 0], after["value"][..., 0]
        advantage, target = advantages(rollout, value, next_value, discount, config.trace, config.normalise_advantages)
        log_prob = ops.log_prob(heads["logits"], rollout.action)
        batch = Transitions(rollout.obs, rollout.action, log_prob, advantage, target)
        batch = jax.tree.map(lambda x: x.reshape((-1, *x.shape[2:])), batch)

        def step(carry: tuple[Params, PyTree], index: Array) -> tuple[tuple[Params, PyTree], Array]:
            params, opt_state = carry
            part: Transitions = jax.tree.map(lambda x: x[index], batch)
            params, heads = agent.read(params, part.obs, ("logits", "value"))
            gradients, clipped = jax.grad(loss, has_aux=True)(heads, part, config.clip, config.entropy_coefficient)
            return agent.step(params, opt_state, part.obs, gradients), clipped

        # one scan over passes and minibatches: the program does not grow with either
        parts = minibatch_indices(key, advantage.size, config.epochs, config.minibatches)
        (params, opt_state), clipped = jax.lax.scan(step, (params, learner.opt_state), parts)
        info = {"value_error": jnp.mean((value - target) ** 2), "clip_fraction": jnp.mean(clipped)}
        return Learner(params, opt_state, learner.updates + 1, learner.lifetime), info

    def update(
        eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key
    ) -> tuple[Learner, dict[str, Array]]:
        del eta
        return jax.vmap(lambda one, r, key: update_one(agent, one, r, key))(learner, rollout, keys)

    return UpdateRule(
        name="ppo",
        heads=lambda num_actions: {"logits": num_actions, "value": 1},
        init=lambda key: (),
        update=update,
    )


def minibatch_indices(key: Key, size: int, epochs: int, minibatches: int) -> Array:
    """A fresh permutation of `size` transitions for each pass, cut in equal parts: int32[epochs * minibatches, M].

    Raises:
      ValueError: when the parts would not be equal.
    """
    if size % minibatches:
        fitting = max(m for m in range(1, minibatches) if size % m == 0)
        raise ValueError(
            f"minibatches = {minibatches} does not divide the {size} transitions (steps x workers) of a rollout: "
            f"set it to a divisor of {size}, such as {fitting}, or change the steps or workers."
        )
    passes = jax.vmap(lambda k: jax.random.permutation(k, size))(jax.random.split(key, epochs))
    return passes.reshape((epochs * minibatches, size // minibatches))


def clipped_surrogate(log_ratio: Array, advantage: Array, clip: float) -> Array:
    """min(r A, clip(r, 1 - epsilon, 1 + epsilon) A), r = pi(a|s) / pi_old(a|s) (Schulman et al. 2017, eq. 7).

    Args:
      log_ratio: f32[M], log r.
      advantage: f32[M], A.
      clip: epsilon.

    Returns:
      f32[M], to be maximised; flat where r has already gone beyond the clip in the direction of A.
    """
    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def loss(heads: Heads, batch: Transitions, clip: float, entropy_coefficient: float) -> tuple[Array, Array]:
    """The mean loss of M transitions, -surrogate - c H(pi) + (V - R)^2 / 2, and the fraction beyond the clip."""
    log_ratio = ops.log_prob(heads["logits"], batch.action) - batch.log_prob
    policy = -clipped_surrogate(log_ratio, batch.advantage, clip)
    value = 0.5 * (heads["value"][..., 0] - batch.target) ** 2
    beyond = jnp.abs(jnp.exp(log_ratio) - 1) > clip
    return jnp.mean(policy - entropy_coefficient * ops.entropy(heads["logits"]) + value), jnp.mean(beyond)
