"""Controls: numbers that a rule sets once per update of an agent, beside the targets of single transitions."""

import math
from typing import NamedTuple

import haiku as hk
import jax
import jax.numpy as jnp

from groove import ops
from groove.types import Array

INPUTS = ("progress", "log lifetime", "entropy", "explained variance", "last change", "last step")
_RANGE = 3.0  # the largest absolute logarithm of a factor
_GAIN = 2.0
_USUAL_LIFETIME = 250.0  # agent updates
_USUAL_CHANGE = 0.01  # KL divergence in nats


class Controls(NamedTuple):
    """Factors of the settings of the base; 1 before meta-training."""

    step: Array  # f32 [N]: of every step of the agent's optimizer
    entropy: Array  # f32 [N]: of the weight of the policy's entropy in the agent's loss


class ControlInputs(NamedTuple):
    """Facts about the agent that do not depend on the unit of reward, f32 [N] each."""

    progress: Array  # n / L
    lifetime: Array  # L, agent updates
    entropy: Array  # of the policy, divided by log A: mean over the rollout
    explained: Array  # share of the variance of the value's targets that the value explains, at least -1
    change: Array  # of ControlState
    step: Array  # of ControlState


class ControlState(NamedTuple):
    """The memory of a rule that sets controls, of one lifetime; f32 [] each."""

    peak: Array | float = 0.0  # of groove.lpg.reward_scale.RewardScale
    change: Array | float = 0.0  # how far the last update moved the policy: log(KL / 0.01) / 4, between -1 and 1
    step: Array | float = 0.0  # log of the last factor of steps, divided by its range


def controls_of(inputs: ControlInputs) -> Controls:
    """Return the controls, by a linear map of the inputs whose weights are zero before meta-training.

    With u and c linear in (1, inputs)::

        step = exp(3 tanh(2 u)),    entropy = exp(3 tanh(2 c))

    The factor 2 lets an evolution strategy reach far: a perturbation of 0.3 changes tanh by about a half. The function
    has Haiku parameters and needs `hk.transform`.

    Args:
      inputs: [N].
    """
    outputs = jnp.tanh(_GAIN * hk.Linear(2, w_init=jnp.zeros, name="controls")(control_features(inputs)))
    return Controls(*jnp.moveaxis(jnp.exp(_RANGE * outputs), -1, 0))


def control_features(inputs: ControlInputs) -> Array:
    """Return what the linear map of the controls sees of its inputs, f32 [N, 6], in the order of INPUTS."""
    features = [
        2 * inputs.progress - 1,  # centred, so that a bias is a mean level and the weight a schedule around it
        jnp.log(inputs.lifetime / _USUAL_LIFETIME) / math.log(10),
        2 * inputs.entropy - 1,
        inputs.explained,
        inputs.change,
        inputs.step,
    ]
    return jnp.stack(features, axis=-1)


def explained_variance(value: Array, target: Array, mask: Array | None = None) -> Array:
    """Return 1 - Var[R - V] / Var[R] over one agent's rollout, f32 []; at least -1, and 0 if the targets are constant.

    Args:
      value: V, f32[T, W].
      target: R, f32[T, W].
      mask: bool[T, W], of the transitions that count; None if all count.
    """
    whole, left = ops.masked_std(target, mask) ** 2, ops.masked_std(target - value, mask) ** 2
    return jnp.where(whole > 1e-8, jnp.maximum(1 - left / jnp.maximum(whole, 1e-8), -1.0), 0.0)


def remember(state: ControlState, step: Array, before: Array, after: Array, mask: Array | None) -> ControlState:
    """Return the state of one agent after an update.

    Args:
      state: before the update.
      step: f32[], the factor of steps in the update.
      before: logits of the policy f32[T, W, A] before the update.
      after: logits after the update, at the same observations.
      mask: bool[T, W], of the transitions that count; None if all count.
    """
    kl = ops.masked_mean(ops.kl_divergence(before, jax.nn.log_softmax(after)), mask)
    change = jnp.log(jnp.maximum(kl, 1e-8) / _USUAL_CHANGE) / 4
    return state._replace(change=jnp.clip(change, -1.0, 1.0), step=jnp.log(step) / _RANGE)
