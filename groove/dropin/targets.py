"""The targets of a rule for the heads of an agent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.dropin.apply import finite_logits
from groove.dropin.arrays import as_numbers, visible
from groove.dropin.inputs import action_log_prob
from groove.dropin.shapes import Shape, check_head
from groove.lpg.controls import Controls
from groove.lpg.lpg_config import LPGConfig
from groove.lpg.lpg_targets import normalise
from groove.lpg.network import LPGInputs, make_lpg_network
from groove.lpg.value_lpg import Batch, control_inputs, value_inputs
from groove.types import LOGITS, PREDICTION, VALUE, Array, Heads, Rollout
from groove.utils.errors import GrooveError


class Targets(NamedTuple):
    """The targets that a rule computes for an agent; constants of the agent's gradient."""

    pi_hat: Array  # f32 [T, W]: the weight of log pi(a_t | s_t), in the place of an advantage
    y_hat: Array  # f32 [T, W, Y]: log-probabilities that the prediction moves towards


class ValueTargets(NamedTuple):
    """The targets of a rule for agents with a value head; constants of the agent's gradient."""

    pi_hat: Array  # f32 [T, W]: as in Targets
    y_hat: Array  # f32 [T, W, Y]: as in Targets
    value: Array  # f32 [T, W]: what the value moves towards, in the scaled unit of reward


class ControlledTargets(NamedTuple):
    """The targets of a rule that also sets controls; constants of the agent's gradient."""

    pi_hat: Array  # f32 [T, W]: as in Targets
    y_hat: Array | None  # f32 [T, W, Y]: as in Targets; None if agents have no prediction head
    value: Array  # f32 [T, W]: as in ValueTargets
    step: Array  # f32 []: the factor of every step of the optimizer in this update
    entropy: Array  # f32 []: the weight of the policy's entropy in the agent's loss


def given_heads(
    rule: str, widths: Mapping[str, int], given: Mapping[str, tuple[Any, Any]], steps: Shape
) -> tuple[Heads, Heads]:
    """Return the outputs of an agent's heads at the observations and at their successors, f32[T, W, width], by name.

    Args:
      rule: name of the rule, for messages.
      widths: name -> width of the heads of the rule; the width of LOGITS is not checked.
      given: name -> the outputs of a head at both, [T, W, width]; the value may be [T, W].
      steps: T and W.

    Raises:
      GrooveError: if an output is missing, has another shape or no numbers, or belongs to a head that the rule lacks.
    """
    for name, pair in given.items():
        if name not in widths and any(x is not None for x in pair):
            raise GrooveError(
                f'the rule "{rule}" has no head "{name}" and would not read it: leave {name} and next_{name} out.'
            )
    heads: Heads = {}
    after: Heads = {}
    for name, width in widths.items():
        for label, group, x in zip((name, f"next_{name}"), (heads, after), given[name], strict=True):
            if x is None:
                raise GrooveError(
                    f'the rule "{rule}" reads the head "{name}": give {name} and next_{name}, its outputs at '
                    "obs and next_obs."
                )
            x = as_numbers(label, x)
            check_head(label, name, width, np.shape(x), steps)
            x = jnp.reshape(jnp.asarray(x, jnp.float32), (*steps, -1))
            group[name] = finite_logits(x) if name == LOGITS else x
    return heads, after


def make_batch(
    config: LPGConfig, eta: Any, rollout: Rollout, heads: Heads, after: Heads, lifetime: Mapping[str, Array], state: Any
) -> tuple[Batch, Controls | None]:
    """Return the transitions of a rollout with the targets of a rule, and its controls, f32[] each, if it sets any.

    Both are constants of the agent's gradient.

    Args:
      config: of the rule.
      eta: the parameters of the rule.
      rollout: of `counted`, with scaled rewards if the rule scales rewards.
      heads: at the observations, f32[T, W, width].
      after: PREDICTION and, for rules that see values, VALUE at the true successors.
      lifetime: progress and lifetime, f32[W].
      state: the memory of the rule, read by rules that set controls.
    """
    heads, after = jax.tree.map(lambda x: visible(x, rollout.mask), jax.lax.stop_gradient((heads, after)))
    values, target = value_inputs(config, rollout, heads, after[VALUE]) if config.sees_values else (None, None)
    log_prob = action_log_prob(heads[LOGITS], rollout)
    inputs = LPGInputs(
        reward=rollout.reward,
        terminated=rollout.terminated,
        truncated=rollout.truncated,
        prob=jnp.exp(log_prob),
        prediction=jax.nn.softmax(heads[PREDICTION]) if config.predicts else None,
        next_prediction=jax.nn.softmax(after[PREDICTION]) if config.predicts else None,
        values=values,
        **lifetime,
    )
    network = make_lpg_network(config)
    pi_hat, y_hat = network.apply(eta, inputs)
    if config.base == "none" and config.normalise:
        pi_hat = normalise(pi_hat, rollout.mask)
    batch = Batch(rollout.obs, rollout.action, log_prob, pi_hat, y_hat, target, rollout.mask)
    controls = None
    if config.controls and values is not None and target is not None:
        told = control_inputs(lifetime["progress"][0], lifetime["lifetime"][0], state, values, target, rollout.mask)
        controls = network.controls(eta, told)
    return jax.lax.stop_gradient((batch, controls))
