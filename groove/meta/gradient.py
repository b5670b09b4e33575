"""The truncated meta-gradient: through K agent updates to the return of the updated agent (Oh et al. 2020, eq. 4)."""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax

from groove import ops
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.lpg.base import UpdateInfo
from groove.meta.cloning import divergence_from_antagonist
from groove.meta.slots import Levels, Lives, Setup
from groove.meta.students import advance_critics, advance_students
from groove.types import LOGITS, Array, Heads, Learner, Metrics, Stream
from groove.utils.parallel import largest_share
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class GradientConfig:
    """Settings of the meta-gradient and of the optimizer of eta.

    Attributes:
      updates: K, agent updates of one meta-step.
      learning_rate: of Adam, at the first meta-step.
      final_learning_rate: reached linearly after `decay_steps`; equal to learning_rate for a constant rate.
      decay_steps: meta-steps; 0 for the number of meta-steps that the run was first started with.
      max_grad_norm: global norm to which the meta-gradient is clipped.
      policy_entropy: b0, weight of the bonus for H(pi). The paper's 0.05 suits targets that are not normalised
        (`rules.lpg.normalise=false`). Under normalised targets, which lead to larger steps, agents with so small a
        bonus lose their entropy and no longer find far rewards.
      entropy_floor: weight of the cost of having less entropy than the antagonist of the same slot and age. Greedy
        policies look best after a few updates, and lose in whole lifetimes; the cost closes this shortcut. 0 for no
        cost; needs a curriculum with antagonists.
      age_exponent: p; the return of a slot whose agent has made n of its L updates counts (1 + p)(n / L)^p times. K
        updates reach the end of a lifetime only near the end: earlier, targets that look best after K updates, such as
        greedy ones, may lose in the whole lifetime. 0 for equal weights.
      normalise_advantages: whether advantages have zero mean and unit variance within each slot's rollout.
      normalise_slots: whether each slot's meta-gradient is scaled to unit norm before averaging, so that no lifetime
        outweighs the others (DiscoRL, Oh et al. 2025, has one Adam per agent for this purpose). Slots are then
        differentiated one by one.
      micro_batch: slots differentiated at once on one device, at most; the largest divisor of the device's share is
        taken. It bounds memory and does not change the result.
    """

    updates: int = at_least(1, 5)
    learning_rate: float = above(0, 1e-4)
    final_learning_rate: float = at_least(0, 1e-4)
    decay_steps: int = at_least(0, 0)
    max_grad_norm: float = above(0, 0.1)
    policy_entropy: float = 0.15
    entropy_floor: float = at_least(0, 0.0)
    age_exponent: float = at_least(0, 0.0)
    normalise_advantages: bool = True
    normalise_slots: bool = False
    micro_batch: int = at_least(1, 1)


class Update(NamedTuple):
    """The records of one agent update of every slot, stacked over the K updates of a meta-step."""

    info: UpdateInfo  # [K, N]
    episodes: EpisodeStats  # [K, N]


def meta_gradient(
    setup: Setup,
    config: GradientConfig,
    eta: Any,
    levels: Levels,
    lives: Lives,
    weight: Array,
    floor: Array | None = None,
    cloning: Array | None = None,
) -> tuple[Any, Lives, Metrics]:
    """Return the gradient of the mean meta-loss of these slots, the lives K updates later, and metrics.

    The metric "meta_grad_agreement" is the cosine between the gradients of the first and the second half of the
    micro-batches, from -1 to 1; 0 if there is one micro-batch. A value near 0 says that noise drowns the gradient.

    Args:
      setup: the static parts.
      config: of the meta-gradient.
      eta: the parameters of the rule.
      levels: [n].
      lives: [n].
      weight: f32[n], of each slot's loss.
      floor: f32[n], see `meta_loss`.
      cloning: f32[n], see `meta_loss`.
    """
    count = levels.level_id.shape[0]
    size = 1 if config.normalise_slots else largest_share(count, config.micro_batch)
    batches = count // size
    batched = jax.tree.map(lambda x: x.reshape((batches, size, *x.shape[1:])), (levels, lives, weight, floor, cloning))
    grad = jax.grad(meta_loss, argnums=2, has_aux=True)

    def accumulate(
        sums: tuple[Any, Any], batch: tuple[Array, Levels, Lives, Array, Array | None, Array | None]
    ) -> tuple[Any, tuple[Lives, Metrics]]:
        index, levels, lives, weight, floor, cloning = batch
        total, first_half = sums
        if config.normalise_slots:
            gradient, out = grad(setup, config, eta, levels, lives, jnp.ones_like(weight), floor, cloning)
            scale = weight[0] / jnp.maximum(optax.tree.norm(gradient), 1e-12)
            gradient = optax.tree.scale(scale, gradient)
        else:
            gradient, out = grad(setup, config, eta, levels, lives, weight, floor, cloning)
        counts = index < batches // 2
        first_half = jax.tree.map(lambda s, g: s + jnp.where(counts, g, 0.0), first_half, gradient)
        return (jax.tree.map(jnp.add, total, gradient), first_half), out

    zero = jax.tree.map(jnp.zeros_like, eta)
    (total, first_half), (lives, metrics) = jax.lax.scan(accumulate, (zero, zero), (jnp.arange(batches), *batched))
    metrics = {name: values.mean(0) for name, values in metrics.items()}
    metrics["meta_grad_agreement"] = _cosine(first_half, optax.tree.sub(total, first_half))
    lives = jax.tree.map(lambda x: x.reshape((count, *x.shape[2:])), lives)
    return jax.tree.map(lambda g: g / batches, total), lives, metrics


def _cosine(a: Any, b: Any) -> Array:
    """Return the cosine between two trees; 0 if one of them is zero."""
    return optax.tree.vdot(a, b) / jnp.maximum(optax.tree.norm(a) * optax.tree.norm(b), 1e-30)


def meta_loss(
    setup: Setup,
    config: GradientConfig,
    eta: Any,
    levels: Levels,
    lives: Lives,
    weight: Array,
    floor: Array | None = None,
    cloning: Array | None = None,
) -> tuple[Array, tuple[Lives, Metrics]]:
    """Return the loss that eta descends (Oh et al. 2020, eq. 4), the lives after K updates, and metrics.

    The loss is the weighted mean over slots of::

        age_weight (-log pi_K(a_t|s_t) A_t - b0 H(pi_K) + b4 max(0, floor - H(pi_K)) + c KL(pi_A || pi_K))
            + sum_i weight_i regularizer_i

    where age_weight is 1 unless `config.age_exponent` says otherwise, K updates under the rule led to pi_K, the steps
    (s_t, a_t) come from one more rollout of pi_K, A_t is the advantage under the meta-critic, pi_A is the antagonist's
    policy, and the regularizers are those of the rule.

    Args:
      setup: the static parts.
      config: of the meta-gradient.
      eta: the parameters of the rule.
      levels: [n].
      lives: [n].
      weight: f32[n], of each slot's loss.
      floor: f32[n], the entropy of each slot's antagonist, in nats, for `config.entropy_floor`, b4; None without it.
      cloning: f32[n], c, the weight of `groove.meta.cloning`; None without it.
    """

    def update(lives: Lives, _: None) -> tuple[Lives, Update]:
        lives, _experience, episodes, info = advance_students(setup, eta, lives, levels.level)
        return lives, Update(info, episodes)

    lives, updates = jax.lax.scan(update, lives, None, length=config.updates)
    student, experience, _ = lifetime.collect(
        setup.env, setup.student, lives.student, levels.level, setup.steps, Stream.VALIDATE
    )
    critic, advantage, error = advance_critics(setup, lives.critic, experience)
    if config.normalise_advantages:
        advantage = jax.vmap(ops.normalise)(advantage)
    names = tuple(setup.rule.heads(setup.env.num_actions))
    _, heads = jax.vmap(lambda p, o: setup.student.read(p, o, names))(student.learner.params, experience.obs)
    gain = policy_gradient_objective(heads, experience.action, jax.lax.stop_gradient(advantage))
    policy_entropy = ops.entropy(heads[LOGITS]).mean((1, 2))
    regularizers = rule_regularizers(setup, updates.info, heads)
    objective = -gain - config.policy_entropy * policy_entropy
    if floor is not None:
        objective += config.entropy_floor * jnp.maximum(floor - policy_entropy, 0.0)
    if cloning is not None:
        divergence = divergence_from_antagonist(setup, lives, experience.obs, heads[LOGITS])
        objective += cloning * divergence
    if config.age_exponent:
        objective *= age_weight(student.learner, config.age_exponent, config.updates)
    for term in setup.rule.regularizers:
        objective += term.weight * regularizers[term.name]
    loss = jnp.mean(weight * objective)
    metrics = {
        "meta_loss": loss,
        "policy_entropy": policy_entropy.mean(),
        **{name: value.mean() for name, value in regularizers.items()},
        **{name: v.mean(0).mean() for name, v in updates.info.metrics.items() if name not in regularizers},
        "meta_critic_loss": error.mean(),
        "student_return_sum": updates.episodes.return_sum.sum(),
        "student_episodes": updates.episodes.episodes.sum(),
    }
    if cloning is not None:
        metrics["cloning_divergence"] = divergence.mean()
    lives = dataclasses.replace(lives, student=student, critic=critic)
    return loss, jax.lax.stop_gradient((lives, metrics))


def age_weight(learner: Learner, exponent: float, updates: int) -> Array:
    """Return the mean of (1 + p) x^p between x = (n - K) / L and x = n / L, f32[n], whose mean over a lifetime is one.

    Args:
      learner: [n], agents after n of L updates, K of which belong to this meta-step.
      exponent: p.
      updates: K.
    """
    end, begin = learner.updates / learner.lifetime, (learner.updates - updates) / learner.lifetime
    power = 1.0 + exponent
    return (end**power - begin**power) * learner.lifetime / updates


def rule_regularizers(setup: Setup, info: UpdateInfo, heads: Heads) -> dict[str, Array]:
    """Return the rule's regularizers, name -> f32[n], from K updates [K, n] and the heads of the updated agents."""
    return {
        term.name: term.of_heads(heads) if term.of_heads else info.regularizers[term.name].mean(0)
        for term in setup.rule.regularizers
    }


def policy_gradient_objective(heads: Heads, action: Array, advantage: Array) -> Array:
    """Return each slot's mean over steps of log pi(a_t|s_t) A_t, each step with its own advantage: f32[n]."""
    log_prob = ops.log_prob(heads[LOGITS], action)
    chex.assert_equal_shape([log_prob, advantage])
    return jnp.mean(log_prob * advantage, axis=(1, 2))
