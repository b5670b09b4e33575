"""The lifetime of an agent on one level: updates by a rule, from the agent's own experience.

All randomness is folded from the key that a lifetime starts with and the number of updates done. A lifetime is
therefore the same whichever other lifetimes run beside it, and however its updates are split into calls.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes.rollout import EpisodeStats, Workers, blank_rollout, rollout, start_workers
from groove.lpg.base import UpdateInfo, UpdateRule, begin_under
from groove.types import Array, Key, Learner, PyTree, Rollout, Stream

_STREAMS = 6  # streams that are folded into the key of a lifetime


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lifetime:
    """An agent and its environment workers; a leading axis N makes it N lifetimes."""

    learner: Learner
    workers: Workers
    best_return: Array  # f32 []: highest return of a complete episode; -inf before the first
    key: Key  # all the randomness of the lifetime; never changes


def begin(
    env: EnvFamily, agent: Agent, rule: UpdateRule, level: PyTree, length: Array, key: Key, workers: int, steps: int
) -> Lifetime:
    """Start the lifetime of an agent: `length` updates by a rule on one level, with W workers and T steps a rollout."""
    started = start_workers(env, level, jax.random.fold_in(key, Stream.START), workers)
    blank = blank_rollout(started.obs, steps)
    return Lifetime(
        learner=begin_under(rule, agent, jax.random.fold_in(key, Stream.BIRTH), length, blank),
        workers=started,
        best_return=jnp.full((), -jnp.inf, float),
        key=key,
    )


def collect(
    env: EnvFamily, agent: Agent, lifetimes: Lifetime, levels: PyTree, steps: int, stream: Stream = Stream.TRAIN
) -> tuple[Lifetime, Rollout, EpisodeStats]:
    """Collect one rollout of each of N lifetimes on its own level.

    Args:
      env: the family of environments.
      agent: reads the policy.
      lifetimes: [N].
      levels: [N].
      steps: T.
      stream: the stream of randomness.

    Returns:
      The lifetimes [N], the Rollout [N, T, W], and the complete episodes [N].
    """
    keys = step_keys(lifetimes, stream)

    def one(life: Lifetime, level: PyTree, key: Key) -> tuple[Workers, Rollout, EpisodeStats]:
        return rollout(env, agent, life.learner.params, level, life.workers, key, steps)

    workers, experience, episodes = jax.vmap(one)(lifetimes, levels, keys)
    best = jnp.maximum(lifetimes.best_return, episodes.best)
    return dataclasses.replace(lifetimes, workers=workers, best_return=best), experience, episodes


def advance(
    env: EnvFamily, agent: Agent, rule: UpdateRule, eta: Any, lifetimes: Lifetime, levels: PyTree, steps: int
) -> tuple[Lifetime, Rollout, EpisodeStats, UpdateInfo]:
    """Collect one rollout and make one update of each of N lifetimes."""
    keys = step_keys(lifetimes, Stream.UPDATE)
    lifetimes, experience, episodes = collect(env, agent, lifetimes, levels, steps)
    learner, info = rule.update(eta, agent, lifetimes.learner, experience, keys)
    return dataclasses.replace(lifetimes, learner=learner), experience, episodes, info


def live(
    env: EnvFamily,
    agent: Agent,
    rule: UpdateRule,
    eta: Any,
    lifetimes: Lifetime,
    levels: PyTree,
    steps: int,
    updates: int | Array,
) -> tuple[Lifetime, EpisodeStats]:
    """Make `updates` updates of each of N lifetimes; return the lifetimes and the complete episodes."""

    def body(_: Array, carry: tuple[Lifetime, EpisodeStats]) -> tuple[Lifetime, EpisodeStats]:
        lifetimes, total = carry
        lifetimes, _experience, episodes, _info = advance(env, agent, rule, eta, lifetimes, levels, steps)
        return lifetimes, total.and_then(episodes)

    return jax.lax.fori_loop(0, updates, body, (lifetimes, EpisodeStats.none(lifetimes.learner.updates.shape)))


def step_keys(lifetimes: Lifetime, stream: Stream) -> Key:
    """Return a key for each of N lifetimes, folded from its key, the number of its updates, and the stream."""
    identity = _STREAMS * (1 + lifetimes.learner.updates) + int(stream)
    return jax.vmap(jax.random.fold_in)(lifetimes.key, identity)
