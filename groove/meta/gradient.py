"""The truncated meta-gradient: through K agent updates to the return of the agent they made (Oh et al. 2020, eq. 4)."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import chex
import jax
import jax.numpy as jnp
import optax

from groove import lifetime, ops
from groove.meta.base import MetaOptimizer
from groove.meta.critic import critic_update
from groove.parallel import largest_share
from groove.rollout import EpisodeStats
from groove.slots import Setup, Slots
from groove.types import Array, Heads


@dataclass(frozen=True)
class MetaConfig:
    """The meta-gradient and the optimizer of eta.

    Attributes:
      updates: K, agent updates of one meta-step.
      learning_rate: of Adam.
      final_learning_rate: reached linearly at the last meta-step of the run; equal to learning_rate for a constant one.
      max_grad_norm: global-norm clipping of the meta-gradient.
      policy_entropy: b0, bonus for H(pi).
      prediction_entropy: b1, bonus for H(y).
      pi_hat_l2: b2, cost of pi_hat squared.
      y_hat_l2: b3, cost of ||y_hat|| squared.
      trace: lambda of the meta-critic's advantages and targets.
      normalise_advantages: within each slot's rollout.
      micro_batch: slots differentiated at once on one device, at most (the largest divisor of its share is taken);
        bounds memory, does not change the result.
    """

    updates: int = 5
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-4
    max_grad_norm: float = 0.1
    policy_entropy: float = 0.05
    prediction_entropy: float = 0.001
    pi_hat_l2: float = 0.005
    y_hat_l2: float = 0.001
    trace: float = 0.95
    normalise_advantages: bool = True
    micro_batch: int = 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GradientState:
    """The state of eta's optimizer, and how many meta-gradients were not finite and therefore not applied."""

    adam: Any
    skipped: Array  # int32 []


def make_gradient(setup: Setup, config: MetaConfig, discount: float, total_steps: int, axis: str) -> MetaOptimizer:
    """Builds the meta-gradient optimizer, averaging over the mesh axis `axis`."""
    schedule = optax.linear_schedule(config.learning_rate, config.final_learning_rate, total_steps)
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(schedule))

    def step(eta: Any, state: GradientState, slots: Slots) -> tuple[Any, GradientState, Slots, dict[str, Array]]:
        gradient, slots, metrics = meta_gradient(setup, config, discount, eta, slots)
        gradient, metrics = jax.lax.pmean((gradient, metrics), axis)
        norm = optax.tree.norm(gradient)
        finite = jnp.isfinite(norm)
        updates, adam = optimizer.update(gradient, state.adam, eta)
        moved = (optax.apply_updates(eta, updates), adam)
        eta, adam = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, (eta, state.adam))
        state = GradientState(adam=adam, skipped=state.skipped + ~finite)
        return eta, state, slots, metrics | {"meta_grad_norm": norm, "skipped": state.skipped}

    return MetaOptimizer(
        init=lambda eta: GradientState(adam=optimizer.init(eta), skipped=jnp.int32(0)),
        step=step,
    )


def meta_gradient(
    setup: Setup, config: MetaConfig, discount: float, eta: Any, slots: Slots
) -> tuple[Any, Slots, dict[str, Array]]:
    """The gradient of the mean meta-loss of these slots, micro-batch by micro-batch, and the slots K updates on."""
    count = slots.level_id.shape[0]
    size = largest_share(count, config.micro_batch)
    batches = count // size
    batched = jax.tree.map(lambda x: x.reshape((batches, size, *x.shape[1:])), slots)
    grad = jax.grad(lambda eta, slots: meta_loss(setup, config, discount, eta, slots), has_aux=True)

    def accumulate(total: Any, slots: Slots) -> tuple[Any, tuple[Slots, dict[str, Array]]]:
        gradient, out = grad(eta, slots)
        return jax.tree.map(jnp.add, total, gradient), out

    total, (batched, metrics) = jax.lax.scan(accumulate, jax.tree.map(jnp.zeros_like, eta), batched)
    slots = jax.tree.map(lambda x: x.reshape((count, *x.shape[2:])), batched)
    return jax.tree.map(lambda g: g / batches, total), slots, jax.tree.map(lambda m: m.mean(0), metrics)


def meta_loss(
    setup: Setup, config: MetaConfig, discount: float, eta: Any, slots: Slots
) -> tuple[Array, tuple[Slots, dict[str, Array]]]:
    """What eta descends, the mean over slots of

    -log pi_K(a_t|s_t) A_t - b0 H(pi_K) - b1 H(y_K) + b2 pi_hat^2 + b3 ||y_hat||^2

    where K updates led to pi_K and y_K, s_t, a_t come from one more rollout of pi_K, A_t is the meta-critic's
    advantage, and the last two terms are means over the K updates. The slots return as they are after the K updates.
    """

    def update(slots: Slots, _: None) -> tuple[Slots, tuple[dict[str, Array], EpisodeStats]]:
        student, experience, episodes, info = lifetime.advance(
            setup.env, setup.student, setup.rule, eta, slots.student, slots.level, setup.steps
        )
        critic = _critic(setup, config, discount, slots.critic, experience)[0]
        return dataclasses.replace(slots, student=student, critic=critic), (info, episodes)

    slots, (info, episodes) = jax.lax.scan(update, slots, None, length=config.updates)
    student, experience, _ = lifetime.collect(
        setup.env, setup.student, slots.student, slots.level, setup.steps, lifetime.VALIDATE
    )
    critic, advantage, error = _critic(setup, config, discount, slots.critic, experience)
    if config.normalise_advantages:
        advantage = jax.vmap(ops.normalise)(advantage)
    _, heads = jax.vmap(lambda p, o: setup.student.read(p, o, ("logits", "y")))(student.learner.params, experience.obs)
    gain = policy_gradient_objective(heads, experience.action, jax.lax.stop_gradient(advantage))
    policy_entropy, prediction_entropy = ops.entropy(heads["logits"]).mean(), ops.entropy(heads["y"]).mean()
    pi_hat, y_hat = info["pi_hat_l2"].mean(), info["y_hat_l2"].mean()
    loss = (
        -gain
        - config.policy_entropy * policy_entropy
        - config.prediction_entropy * prediction_entropy
        + config.pi_hat_l2 * pi_hat
        + config.y_hat_l2 * y_hat
    )
    metrics = {
        "meta_loss": loss,
        "policy_entropy": policy_entropy,
        "prediction_entropy": prediction_entropy,
        "pi_hat_l2": pi_hat,
        "y_hat_l2": y_hat,
        "meta_critic_loss": error.mean(),
        "student_return_sum": episodes.return_sum.sum(),
        "student_episodes": episodes.episodes.sum(),
    }
    slots = dataclasses.replace(slots, student=student, critic=critic)
    return loss, jax.lax.stop_gradient((slots, metrics))


def policy_gradient_objective(heads: Heads, action: Array, advantage: Array) -> Array:
    """Mean over slots and steps of log pi(a_t|s_t) A_t, each step weighted by its own advantage: f32[]."""
    log_prob = ops.log_prob(heads["logits"], action)
    chex.assert_equal_shape([log_prob, advantage])
    return jnp.mean(log_prob * advantage)


def _critic(
    setup: Setup, config: MetaConfig, discount: float, critic: Any, experience: Any
) -> tuple[Any, Array, Array]:
    one = jax.vmap(lambda c, r: critic_update(setup.critic, c, r, discount, config.trace))
    return one(critic, experience)
