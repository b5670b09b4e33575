"""The Learned Policy Gradient as an update rule (Oh et al. 2020)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.lpg.base import Regularizer, UpdateInfo, UpdateRule
from groove.lpg.network import LPGConfig, LPGInputs, LPGTargets, make_lpg_network
from groove.types import LOGITS, PREDICTION, Array, Heads, Key, Learner, Rollout


def make_lpg(config: LPGConfig) -> UpdateRule:
    """Build the rule of Oh et al. (2020), eq. 2, for agents with heads LOGITS [A] and PREDICTION [Y].

    The parameters theta of an agent move along::

        Delta theta ~ E[ grad log pi(a|s) pi_hat - alpha_y grad KL(y(s) || y_hat) ]

    where (pi_hat, y_hat) come from the network. The targets are computed first, from the agent's current parameters,
    and held fixed in the agent's gradient only. The gradient with respect to eta flows through pi, y and y' into
    earlier updates; without that path, bootstrapping cannot be learned.
    """
    network = make_lpg_network(config)

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        del keys  # the rule is deterministic
        params, heads = jax.vmap(lambda p, o: agent.read(p, o, (LOGITS, PREDICTION)))(learner.params, rollout.obs)
        params, after = jax.vmap(lambda p, o: agent.read(p, o, (PREDICTION,)))(params, rollout.next_obs)
        targets = apply_to_slots(network.apply, eta, lpg_inputs(learner, rollout, heads, after[PREDICTION]))
        if config.normalise:
            targets = targets._replace(pi_hat=jax.vmap(normalise)(targets.pi_hat))
        targets = clip_gradient(targets, config.max_target_gradient / rollout.reward.shape[0])
        gradients = jax.grad(agent_loss)(heads, rollout.action, targets, config.prediction_coefficient)
        params, opt_state = jax.vmap(agent.step)(params, learner.opt_state, rollout.obs, gradients)
        learner = Learner(params, opt_state, learner.updates + 1, learner.lifetime)
        sizes = {
            "pi_hat_l2": jnp.mean(targets.pi_hat**2, axis=(1, 2)),
            "y_hat_l2": jnp.mean(jnp.sum(jnp.exp(targets.y_hat) ** 2, -1), axis=(1, 2)),
        }
        return learner, UpdateInfo(metrics=sizes, regularizers=sizes)

    return UpdateRule(
        name="lpg",
        heads=lambda num_actions: {LOGITS: num_actions, PREDICTION: config.prediction_width},
        init=network.init,
        update=update,
        regularizers=(
            Regularizer("prediction_entropy", -config.prediction_entropy, prediction_entropy),
            Regularizer("pi_hat_l2", config.pi_hat_l2),
            Regularizer("y_hat_l2", config.y_hat_l2),
        ),
    )


def prediction_entropy(heads: Heads) -> Array:
    """Return the mean entropy of the prediction, in nats: {PREDICTION: f32[N, T, W, Y]} -> f32[N]."""
    return ops.entropy(heads[PREDICTION]).mean((1, 2))


def lpg_inputs(learner: Learner, rollout: Rollout, heads: Heads, next_y: Array) -> LPGInputs:
    """Return the inputs of the network with leading axes [N, T, W]; progress and lifetime [N, W].

    Args:
      learner: [N].
      rollout: [N, T, W].
      heads: LOGITS and PREDICTION at the observations of the rollout, f32[N, T, W, width].
      next_y: f32[N, T, W, Y], the prediction at the true successors.
    """
    slots, _, workers = rollout.reward.shape
    lifetime = learner.lifetime.astype(jnp.float32)
    progress = learner.updates / lifetime
    return LPGInputs(
        reward=rollout.reward,
        terminated=rollout.terminated,
        truncated=rollout.truncated,
        prob=jnp.exp(ops.log_prob(heads[LOGITS], rollout.action)),
        prediction=jax.nn.softmax(heads[PREDICTION]),
        next_prediction=jax.nn.softmax(next_y),
        progress=jnp.broadcast_to(progress[:, None], (slots, workers)),
        lifetime=jnp.broadcast_to(lifetime[:, None], (slots, workers)),
    )


def apply_to_slots(apply: Any, eta: Any, inputs: LPGInputs) -> LPGTargets:
    """Run the network once over slots and workers as one row axis: [N, T, W, ...] -> [T, N * W, ...] and back."""
    slots, steps, workers = inputs.reward.shape

    def rows(x: Array) -> Array:
        if x.ndim == 2:
            return x.reshape(-1)
        return jnp.swapaxes(x, 0, 1).reshape((steps, slots * workers, *x.shape[3:]))

    def back(x: Array) -> Array:
        return jnp.swapaxes(x.reshape((steps, slots, workers, *x.shape[2:])), 0, 1)

    return jax.tree.map(back, apply(eta, jax.tree.map(rows, inputs)))


def normalise(pi_hat: Array) -> Array:
    """Return pi_hat f32[T, W] with zero mean and unit variance over the rollout; zero if pi_hat is nearly constant."""
    return (pi_hat - pi_hat.mean()) * jax.lax.rsqrt(pi_hat.var() + 1e-4)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def clip_gradient(targets: LPGTargets, max_norm: float) -> LPGTargets:
    """Return the targets unchanged; their gradient is clipped to a norm, agent by agent (leading axis N)."""
    del max_norm
    return targets


def _clip_forward(targets: LPGTargets, max_norm: float) -> tuple[LPGTargets, None]:
    return clip_gradient(targets, max_norm), None


def _clip_backward(max_norm: float, _: None, gradient: LPGTargets) -> tuple[LPGTargets]:
    agents = gradient.pi_hat.shape[0]
    square = sum(jnp.sum(g.reshape(agents, -1) ** 2, axis=1) for g in gradient)
    scale = max_norm * jax.lax.rsqrt(jnp.maximum(square, max_norm**2))
    return (LPGTargets(*(g * scale.reshape((agents,) + (1,) * (g.ndim - 1)) for g in gradient)),)


clip_gradient.defvjp(_clip_forward, _clip_backward)


def agent_loss(heads: Heads, action: Array, targets: LPGTargets, prediction_coefficient: float) -> Array:
    """Return the loss of N agents, summed over agents and averaged over transitions, f32 [].

    The loss of a transition is -log pi(a|s) pi_hat + alpha_y KL(y || y_hat) (Oh et al. 2020, eq. 2).

    Args:
      heads: LOGITS f32[N, T, W, A] and PREDICTION f32[N, T, W, Y], the agents' outputs.
      action: int32[N, T, W].
      targets: pi_hat f32[N, T, W] and y_hat f32[N, T, W, Y].
      prediction_coefficient: alpha_y.
    """
    policy = -ops.log_prob(heads[LOGITS], action) * targets.pi_hat
    prediction = ops.kl_divergence(heads[PREDICTION], targets.y_hat)
    return jnp.sum(jnp.mean(policy + prediction_coefficient * prediction, axis=(1, 2)))
