"""The rule's network: targets of an agent's heads from trajectories, and a memory of the agent's lifetime."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.lpg.core import lstm, lstm_step
from groove.lpg.disco.experience import Outputs, Trajectories, of_action
from groove.lpg.disco.transforms import signed_log
from groove.lpg.disco.values import Normalised, Values
from groove.lpg.disco.weights import DiscoWeights, Embedders, LifetimeWeights, Linear
from groove.ops.masked import masked_mean
from groove.types import Array


class Memory(NamedTuple):
    """The state of the LSTM over an agent's lifetime, f32 [128] each."""

    hidden: Array
    cell: Array


class Targets(NamedTuple):
    """Logits that the agent's heads move towards, and the summary of each transition for the memory."""

    policy: Array  # f32 [T, B, A]
    y: Array  # f32 [T, B, 600]
    z: Array  # f32 [T, B, 600]: of the action that was taken
    summary: Array  # f32 [T, B, 1]


class Read(NamedTuple):
    """The inputs of the network from trajectories, as far as they do not depend on weights."""

    policy: Array  # f32 [T+1, B, A]: pi
    behaviour: Array  # f32 [T, B, A]: mu
    target_policy: Array  # f32 [T+1, B, A]
    y: Array  # f32 [T+1, B, 600]: probabilities
    target_y: Array  # f32 [T+1, B, 600]
    z: Array  # f32 [T+1, B, A, 600]: probabilities
    target_z: Array  # f32 [T+1, B, A, 600]
    values: Values
    advantages: Normalised
    seen: Trajectories


class Inputs(NamedTuple):
    """The inputs of an LSTM, and those of the small network for each action."""

    step: Array  # f32 [T, B, 27]
    action: Array  # f32 [T, B, A, 9]
    embedded: Array  # f32 [T, B, A, 2]


def read(seen: Trajectories, agent: Outputs, target: Outputs, values: Values, advantages: Normalised) -> Read:
    """Return what the network reads of B trajectories."""
    return Read(
        policy=jax.nn.softmax(agent.logits),
        behaviour=jax.nn.softmax(seen.behaviour),
        target_policy=jax.nn.softmax(target.logits),
        y=jax.nn.softmax(agent.y),
        target_y=jax.nn.softmax(target.y),
        z=jax.nn.softmax(agent.z),
        target_z=jax.nn.softmax(target.z),
        values=values,
        advantages=advantages,
        seen=seen,
    )


def make_inputs(embedders: Embedders, given: Read) -> Inputs:
    """Return the inputs of an LSTM with its own small networks.

    Numbers that belong to states enter as pairs, at the beginning and at the end of a transition; the end is the next
    state of the trajectory, also where an episode ended.
    """
    seen, values = given.seen, given.values
    y, target_y = (_mlp(embedders.y, x)[..., 0] for x in (given.y, given.target_y))
    z, target_z = (_mlp(embedders.z, x)[..., 0] for x in (given.z, given.target_z))
    by_action = _action_inputs(given, z, target_z)
    embedded = _embed_actions(embedders.action, by_action)
    columns = [
        of_action(given.policy[:-1], seen.action),
        of_action(given.behaviour, seen.action),
        signed_log(seen.reward),
        1.0 - seen.ended,
        *_pair(signed_log(values.value)),
        signed_log(values.advantage),
        given.advantages.advantage,
        of_action(given.target_policy[:-1], seen.action),
        *_pair(y),
        *_pair(target_y),
        *_summaries(z, given.policy, seen.action),
        *_summaries(target_z, given.policy, seen.action),
    ]
    step = jnp.concatenate([jnp.stack(columns, -1), embedded.mean(2), of_action(embedded, seen.action)], -1)
    return Inputs(step, by_action, embedded)


def unroll(weights: DiscoWeights, inputs: Inputs, ended: Array) -> Array:
    """Return the hidden states of the LSTM that reads trajectories backwards in time, f32[T, B, 256]."""
    return lstm(weights.lstm, inputs.step, 1.0 - ended)


def make_targets(weights: DiscoWeights, inputs: Inputs, hidden: Array, memory: Memory) -> Targets:
    """Return the targets of the agent's heads.

    Args:
      weights: of the rule.
      inputs: of `make_inputs` with the embedders of the rule.
      hidden: f32[T, B, 256], of `unroll`.
      memory: of the lifetime before this update; multiplies the hidden states.
    """
    gated = hidden * weights.gate(memory.hidden)
    return Targets(
        policy=_policy_logits(weights.policy, gated, inputs.embedded),
        y=weights.y(gated),
        z=weights.z(gated),
        summary=weights.summary(gated),
    )


def remember(
    weights: LifetimeWeights, given: Read, targets: Targets, memory: Memory, mask: Array | None = None
) -> Memory:
    """Return the memory after one more update: one step of an LSTM on the mean over transitions that are not hidden."""
    inputs = make_inputs(weights.embedders, given).step
    y = _mlp(weights.embedders.y, jax.nn.softmax(targets.y))
    together = jnp.concatenate([inputs, targets.summary, y], -1)
    mean = together.mean((0, 1)) if mask is None else jax.vmap(masked_mean, (-1, None))(together, mask)
    return Memory(*lstm_step(weights.lstm, memory.hidden, memory.cell, weights.inputs(mean)))


def _action_inputs(given: Read, z: Array, target_z: Array) -> Array:
    values, seen = given.values, given.seen
    columns = [
        given.policy[:-1],
        given.behaviour,
        given.target_policy[:-1],
        z[:-1],
        target_z[:-1],
        signed_log(values.target_q_value[:-1]),
        signed_log(values.action_advantage[:-1]),
        given.advantages.action_advantage[:-1],
        jax.nn.one_hot(seen.action, z.shape[-1]),
    ]
    return jnp.stack(columns, -1)


def _embed_actions(layers: tuple[Linear, Linear], x: Array) -> Array:
    """Return f32[T, B, A, 2]; every layer sees an action's own numbers and their mean over actions."""
    for layer in layers:
        mean = jnp.broadcast_to(x.mean(2, keepdims=True), x.shape)
        x = jax.nn.relu(layer(jnp.concatenate([x, mean], -1)))
    return x


def _policy_logits(layers: tuple[Linear, Linear], gated: Array, embedded: Array) -> Array:
    """Return f32[T, B, A], from [gated, embedded] of an action and the mean of the same over actions.

    `gated` is equal for all actions and for their mean, so that its two blocks of weights add up.
    """
    first, last = layers
    size, width = gated.shape[-1], first.w.shape[0] // 2
    shared = gated @ (first.w[:size] + first.w[width : width + size]) + embedded.mean(2) @ first.w[width + size :]
    hidden = jax.nn.relu(shared[:, :, None] + embedded @ first.w[size:width] + first.b)
    return last(hidden)[..., 0]


def _mlp(layers: tuple[Linear, Linear], x: Array) -> Array:
    first, last = layers
    return last(jax.nn.relu(first(x)))


def _pair(x: Array) -> tuple[Array, Array]:
    return x[:-1], x[1:]


def _summaries(z: Array, policy: Array, action: Array) -> tuple[Array, ...]:
    """Return five columns: of the action that was taken, pairs of means under the policy, and pairs of maxima."""
    return of_action(z[:-1], action), *_pair((policy * z).sum(-1)), *_pair(z.max(-1))
