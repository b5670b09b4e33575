"""Disco103 as an update rule: replay, the target network, and steps towards the targets of the rule."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.agents.agent import Agent
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.lpg.disco import NAME
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.disco.experience import Trajectories, as_outputs
from groove.lpg.disco.heads import head_widths
from groove.lpg.disco.losses import losses, total
from groove.lpg.disco.moments import Moments
from groove.lpg.disco.network import Memory
from groove.lpg.disco.step import Course, follow, judge
from groove.lpg.disco.weights import LIFETIME_HIDDEN, SHAPES, DiscoWeights, from_arrays
from groove.lpg.replay import Replay, add, draw, make_replay
from groove.ops.masked import masked_mean
from groove.types import LOGITS, Array, Heads, Key, Learner, Metrics, Params, PyTree, Rollout
from groove.utils.errors import ConfigError


class Stored(NamedTuple):
    """One trajectory in the replay, or several with a leading axis."""

    obs: Array  # [T+1, ...]
    seen: Trajectories  # [T, ...]


class DiscoState(NamedTuple):
    """The rule's memory of an agent's lifetime, between two steps."""

    target: Params  # of the target network
    course: Course


class DiscoMemory(NamedTuple):
    """`Learner.rule_state` of an agent that this rule trains."""

    state: DiscoState
    replay: Replay


class Stepped(NamedTuple):
    """An agent within an update."""

    params: Params
    opt_state: PyTree
    state: DiscoState


def make_disco(config: DiscoConfig) -> UpdateRule:
    """Build the rule of Oh et al. (2025), "Discovering state-of-the-art reinforcement learning algorithms".

    The parameters eta are `DiscoWeights`, such as those of the published file; `init` draws others. Every end of an
    episode counts as a termination, as in the published code; the observation after an end is the first one of the next
    episode. Metrics are "loss", the mean over the steps of an update, and "value_error", the mean squared difference of
    q and its target.

    Args:
      config: of the replay and of agents.
    """

    def update_one(
        weights: DiscoWeights, agent: Agent, learner: Learner, rollout: Rollout, key: Key
    ) -> tuple[Learner, Metrics]:
        memory: DiscoMemory = learner.rule_state
        # the parameters are still those that acted
        _, heads = agent.read(learner.params, rollout.obs, (LOGITS,))
        replay = add(memory.replay, by_worker(rollout, heads[LOGITS]))
        steps, batch = config.steps_and_batch(rollout.reward.shape[1])
        if batch > config.capacity:
            raise ConfigError(
                f"capacity = {config.capacity} is less than the {batch} trajectories of a step, so that no step would "
                f"ever be taken: set capacity to {batch} or more, or batch to {config.capacity} or less."
            )

        def step(now: Stepped, key: Key) -> tuple[Stepped, Metrics]:
            drawn = jax.tree.map(lambda x: x.swapaxes(0, 1), draw(replay, key, batch))
            return learn(weights, agent, now, drawn)

        def learn_all(start: Stepped) -> tuple[Stepped, Metrics]:
            after, metrics = jax.lax.scan(step, start, jax.random.split(key, steps))
            return after, jax.tree.map(jnp.mean, metrics)

        start = Stepped(learner.params, learner.opt_state, memory.state)
        after, metrics = jax.lax.cond(replay.filled >= batch, learn_all, _wait, start)
        learner = learner.after_update(after.params, after.opt_state)
        return dataclasses.replace(learner, rule_state=DiscoMemory(after.state, replay)), metrics

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        # one agent after another: a step on 64 trajectories fills a device, and its activations fill its memory
        learner, metrics = jax.lax.map(lambda one: update_one(eta, agent, *one), (learner, rollout, keys))
        return learner, UpdateInfo(metrics)

    def begin(agent: Agent, params: Params, blank: Rollout) -> DiscoMemory:
        _, heads = agent.read(params, blank.obs, (LOGITS,))
        one = jax.tree.map(lambda x: x[0], by_worker(blank, heads[LOGITS]))
        return DiscoMemory(begin_state(params), make_replay(one, config.capacity))

    return UpdateRule(
        name=NAME, heads=head_widths, init=draw_weights, update=update, adapt_agent=config.agent, begin=begin
    )


def draw_weights(key: Key) -> DiscoWeights:
    """Return weights before any meta-training, of another rule than the published one.

    Weights are truncated normal with standard deviation 1 / sqrt(inputs) and biases are zero, but for the bias 1 of
    forget gates.
    """
    zeros = from_arrays({name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}, "zeros")
    leaves, structure = jax.tree.flatten(zeros)
    drawn = [
        jax.random.truncated_normal(each, -2, 2, leaf.shape) / np.sqrt(len(leaf)) if leaf.ndim > 1 else jnp.array(leaf)
        for each, leaf in zip(jax.random.split(key, len(leaves)), leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, drawn)


def begin_state(params: Params) -> DiscoState:
    """Return the state of the rule at the beginning of a lifetime: the target network is the agent's."""
    course = Course(Moments(), Moments(), Memory(jnp.zeros(LIFETIME_HIDDEN), jnp.zeros(LIFETIME_HIDDEN)))
    # copies, so that a program may overwrite the agent's arrays
    return DiscoState(jax.tree.map(jnp.array, params), jax.tree.map(lambda x: jnp.array(x, jnp.float32), course))


def by_worker(rollout: Rollout, behaviour: Array) -> Stored:
    """Return the trajectories of a rollout, [W, T, ...].

    Args:
      rollout: [T, W]. Its last successor is the last state of a trajectory.
      behaviour: f32[T, W, A], logits of the policy that acted.
    """
    return jax.tree.map(lambda x: x.swapaxes(0, 1), as_trajectories(rollout, behaviour))


def as_trajectories(rollout: Rollout, behaviour: Array) -> Stored:
    """Return the trajectories of a rollout, time-major; arguments as for `by_worker`."""
    obs = jnp.concatenate([rollout.obs, rollout.next_obs[-1:]])
    ended = rollout.terminated | rollout.truncated
    return Stored(obs, Trajectories(rollout.action, rollout.reward, ended, behaviour))


def learn(
    weights: DiscoWeights, agent: Agent, now: Stepped, batch: Stored, mask: Array | None = None
) -> tuple[Stepped, Metrics]:
    """Take one step of an agent towards the rule's targets for a batch of trajectories.

    Args:
      weights: of the rule.
      agent: reads heads and takes steps.
      now: the agent.
      batch: time-major, B trajectories.
      mask: f32[T, B], 0 where a transition does not count; None if all count.
    """
    names = tuple(head_widths(batch.seen.behaviour.shape[-1]))
    _, heads = agent.read(now.params, batch.obs, names)
    _, slow = agent.read(now.state.target, batch.obs, names)
    verdict, course = judge(weights, now.state.course, batch.seen, as_outputs(heads), as_outputs(slow), mask)

    def loss(heads: Heads) -> Array:
        return total(losses(as_outputs(heads), batch.seen, verdict.targets, verdict.values.target), mask)

    value, gradients = jax.value_and_grad(loss)(heads)
    params, opt_state = agent.step(now.params, now.opt_state, batch.obs, gradients)
    target = follow(now.state.target, now.params)
    metrics = {"loss": value, "value_error": masked_mean(verdict.values.td_error**2, mask)}
    return Stepped(params, opt_state, DiscoState(target, course)), metrics


def _wait(now: Stepped) -> tuple[Stepped, Metrics]:
    return now, {name: jnp.full((), jnp.nan) for name in ("loss", "value_error")}
