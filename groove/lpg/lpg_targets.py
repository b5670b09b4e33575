"""The way from a rollout to targets: inputs of the network, one call for all slots, and what follows the call."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.lpg.network import LPGInputs, LPGTargets
from groove.types import LOGITS, PREDICTION, Array, Heads, Learner, Rollout


def lpg_inputs(learner: Learner, rollout: Rollout, heads: Heads, next_y: Array | None) -> LPGInputs:
    """Return the inputs of the network with leading axes [N, T, W]; progress and lifetime [N, W].

    Args:
      learner: [N].
      rollout: [N, T, W].
      heads: LOGITS and, if agents have it, PREDICTION at the observations of the rollout, f32[N, T, W, width].
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
        prediction=jax.nn.softmax(heads[PREDICTION]) if PREDICTION in heads else None,
        next_prediction=None if next_y is None else jax.nn.softmax(next_y),
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


def normalise(pi_hat: Array, mask: Array | None = None) -> Array:
    """Return pi_hat f32[T, W] with zero mean and unit variance over the rollout; zero if pi_hat is nearly constant.

    Rows that the mask hides do not count and become zero.
    """
    if mask is None:
        return (pi_hat - pi_hat.mean()) * jax.lax.rsqrt(pi_hat.var() + 1e-4)
    centred = jnp.where(mask, pi_hat - ops.masked_mean(pi_hat, mask), 0.0)
    return centred * jax.lax.rsqrt(ops.masked_mean(centred**2, mask) + 1e-4)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def clip_gradient(targets: LPGTargets, max_norm: float) -> LPGTargets:
    """Return the targets unchanged; their gradient is clipped to a norm, agent by agent (leading axis N)."""
    del max_norm
    return targets


def _clip_forward(targets: LPGTargets, max_norm: float) -> tuple[LPGTargets, None]:
    return clip_gradient(targets, max_norm), None


def _clip_backward(max_norm: float, _: None, gradient: LPGTargets) -> tuple[LPGTargets]:
    agents = gradient.pi_hat.shape[0]
    square = sum(jnp.sum(g.reshape(agents, -1) ** 2, axis=1) for g in jax.tree.leaves(gradient))
    scale = max_norm * jax.lax.rsqrt(jnp.maximum(square, max_norm**2))
    return (jax.tree.map(lambda g: g * scale.reshape((agents,) + (1,) * (g.ndim - 1)), gradient),)


clip_gradient.defvjp(_clip_forward, _clip_backward)
