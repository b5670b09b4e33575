"""The truncated meta-gradient: through K agent updates to the return of the agent they made (Oh et al. 2020, eq. 4)."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import chex
import jax
import jax.numpy as jnp
import optax

from groove import ops
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.base import MetaOptimizer
from groove.meta.critic import critic_update
from groove.meta.slots import Setup, Slots
from groove.types import Array, Heads
from groove.utils.parallel import largest_share


@dataclass(frozen=True)
class MetaConfig:
    """The meta-gradient and the optimizer of eta.

    Attributes:
      optimizer: "gradient", the truncated meta-gradient, or "es", evolution strategies; then only `average_decay` is
        read of what follows, and ESConfig.
      updates: K, agent updates of one meta-step.
      learning_rate: of Adam.
      final_learning_rate: reached linearly after `decay_steps`; equal to learning_rate for a constant one.
      decay_steps: meta-steps; 0 for as many as the run was first given, however far it is then resumed.
      max_grad_norm: global-norm clipping of the meta-gradient.
      policy_entropy: b0, bonus for H(pi). GROOVE's 0.05 suits targets that are not normalised (`lpg.normalise=false`);
        with normalised ones, whose steps are larger, agents lose their entropy and with it the far rewards.
      prediction_entropy: b1, bonus for H(y).
      pi_hat_l2: b2, cost of pi_hat squared. GROOVE's 0.005 shrinks normalised targets until agents learn too slowly.
      y_hat_l2: b3, cost of ||y_hat|| squared.
      trace: lambda of the meta-critic's advantages and targets.
      normalise_advantages: within each slot's rollout.
      normalise_slots: scales each slot's meta-gradient to unit norm before averaging, so that no lifetime outweighs
        the others (DiscoRL, Oh et al. 2025, has an Adam per agent to that end). Slots are differentiated one by one.
      average_decay: of the exponential moving average of eta, per meta-step, saved beside the last; 0 for none.
      micro_batch: slots differentiated at once on one device, at most (the largest divisor of its share is taken);
        bounds memory, does not change the result.
    """

    optimizer: Literal["gradient", "es"] = "gradient"
    updates: int = 5
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-4
    decay_steps: int = 0
    max_grad_norm: float = 0.1
    policy_entropy: float = 0.15
    prediction_entropy: float = 0.001
    pi_hat_l2: float = 0.0
    y_hat_l2: float = 0.001
    trace: float = 0.95
    normalise_advantages: bool = True
    normalise_slots: bool = False
    average_decay: float = 0.0
    micro_batch: int = 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GradientState:
    """The state of eta's optimizer, and how many meta-gradients were not finite and therefore not applied."""

    adam: Any
    skipped: Array  # int32 []


def make_gradient(setup: Setup, config: MetaConfig, discount: float, axis: str) -> MetaOptimizer:
    """Builds the meta-gradient optimizer, averaging over the mesh axis `axis`."""
    schedule = optax.linear_schedule(config.learning_rate, config.final_learning_rate, config.decay_steps)
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(schedule))

    def step(eta: Any, state: GradientState, slots: Slots) -> tuple[Any, GradientState, Slots, dict[str, Array]]:
        mean_weight = jax.lax.pmean(slots.weight.mean(), axis)
        weight = slots.weight / jnp.maximum(mean_weight, 1e-6)  # a mean over those that count
        gradient, slots, metrics = meta_gradient(setup, config, discount, eta, slots, weight)
        gradient, metrics = jax.lax.pmean((gradient, metrics), axis)
        norm = optax.tree.norm(gradient)
        finite = jnp.isfinite(norm)
        moves = finite & (mean_weight > 0)  # else momentum would move eta though no lifetime counts
        updates, adam = optimizer.update(gradient, state.adam, eta)
        moved = (optax.apply_updates(eta, updates), adam)
        eta, adam = jax.tree.map(lambda new, old: jnp.where(moves, new, old), moved, (eta, state.adam))
        state = GradientState(adam=adam, skipped=state.skipped + ~finite)
        return eta, state, slots, metrics | {"meta_grad_norm": norm, "skipped": state.skipped}

    return MetaOptimizer(
        init=lambda eta: GradientState(adam=optimizer.init(eta), skipped=jnp.int32(0)),
        step=step,
    )


def meta_gradient(
    setup: Setup, config: MetaConfig, discount: float, eta: Any, slots: Slots, weight: Array
) -> tuple[Any, Slots, dict[str, Array]]:
    """The gradient of the mean meta-loss of these slots, micro-batch by micro-batch, and the slots K updates on.

    Args:
      setup: the players.
      config: of the meta-gradient.
      discount: gamma.
      eta: the rule's parameters.
      slots: [n].
      weight: f32[n], of each slot's loss.
    """
    count = slots.level_id.shape[0]
    size = 1 if config.normalise_slots else largest_share(count, config.micro_batch)
    batches = count // size
    batched = jax.tree.map(lambda x: x.reshape((batches, size, *x.shape[1:])), (slots, weight))
    grad = jax.grad(lambda eta, slots, weight: meta_loss(setup, config, discount, eta, slots, weight), has_aux=True)

    def accumulate(total: Any, batch: tuple[Slots, Array]) -> tuple[Any, tuple[Slots, dict[str, Array]]]:
        slots, weight = batch
        if config.normalise_slots:
            gradient, out = grad(eta, slots, jnp.ones_like(weight))
            scale = weight[0] / jnp.maximum(optax.tree.norm(gradient), 1e-12)
            gradient = optax.tree.scale(scale, gradient)
        else:
            gradient, out = grad(eta, slots, weight)
        return jax.tree.map(jnp.add, total, gradient), out

    total, (batched, metrics) = jax.lax.scan(accumulate, jax.tree.map(jnp.zeros_like, eta), batched)
    slots = jax.tree.map(lambda x: x.reshape((count, *x.shape[2:])), batched)
    return jax.tree.map(lambda g: g / batches, total), slots, jax.tree.map(lambda m: m.mean(0), metrics)


def meta_loss(
    setup: Setup, config: MetaConfig, discount: float, eta: Any, slots: Slots, weight: Array
) -> tuple[Array, tuple[Slots, dict[str, Array]]]:
    """What eta descends, the weighted mean over slots of

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
    policy_entropy, prediction_entropy = (ops.entropy(heads[name]).mean((1, 2)) for name in ("logits", "y"))
    pi_hat, y_hat = info["pi_hat_l2"].mean(0), info["y_hat_l2"].mean(0)
    loss = jnp.mean(
        weight
        * (
            -gain
            - config.policy_entropy * policy_entropy
            - config.prediction_entropy * prediction_entropy
            + config.pi_hat_l2 * pi_hat
            + config.y_hat_l2 * y_hat
        )
    )
    metrics = {
        "meta_loss": loss,
        "policy_entropy": policy_entropy.mean(),
        "prediction_entropy": prediction_entropy.mean(),
        "pi_hat_l2": pi_hat.mean(),
        "y_hat_l2": y_hat.mean(),
        "meta_critic_loss": error.mean(),
        "student_return_sum": episodes.return_sum.sum(),
        "student_episodes": episodes.episodes.sum(),
    }
    slots = dataclasses.replace(slots, student=student, critic=critic)
    return loss, jax.lax.stop_gradient((slots, metrics))


def policy_gradient_objective(heads: Heads, action: Array, advantage: Array) -> Array:
    """Each slot's mean over steps of log pi(a_t|s_t) A_t, each step weighted by its own advantage: f32[N]."""
    log_prob = ops.log_prob(heads["logits"], action)
    chex.assert_equal_shape([log_prob, advantage])
    return jnp.mean(log_prob * advantage, axis=(1, 2))


def _critic(
    setup: Setup, config: MetaConfig, discount: float, critic: Any, experience: Any
) -> tuple[Any, Array, Array]:
    one = jax.vmap(lambda c, r: critic_update(setup.critic, c, r, discount, config.trace))
    return one(critic, experience)
