"""One agent living on one level: born, updated by a rule from its own experience, until its lifetime ends.

All randomness is folded from the key a lifetime is born with and the number of updates done, so that a lifetime is the
same whoever trains it, in whatever company and in whatever portions.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent, begin_learner
from groove.envs.base import EnvFamily
from groove.lifetimes.rollout import EpisodeStats, Workers, rollout, start_workers
from groove.lpg.base import UpdateRule
from groove.types import Array, Key, Learner, PyTree, Rollout

_PURPOSES = 6  # that a lifetime's key is folded for
TRAIN, VALIDATE, EVALUATE, _UPDATE, _BIRTH, _START = range(_PURPOSES)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lifetime:
    """An agent and its environment workers; with a leading axis N, many of them."""

    learner: Learner
    workers: Workers
    best_return: Array  # f32 []: of the best complete episode so far; -inf before the first
    key: Key  # the one it was born with


def begin(env: EnvFamily, agent: Agent, level: PyTree, length: Array, key: Key, workers: int) -> Lifetime:
    """Births an agent for `length` updates on one level, with W workers."""
    return Lifetime(
        learner=begin_learner(agent, jax.random.fold_in(key, _BIRTH), length),
        workers=start_workers(env, level, jax.random.fold_in(key, _START), workers),
        best_return=jnp.full((), -jnp.inf, float),
        key=key,
    )


def collect(
    env: EnvFamily, agent: Agent, lifetimes: Lifetime, levels: PyTree, steps: int, purpose: int = TRAIN
) -> tuple[Lifetime, Rollout, EpisodeStats]:
    """One rollout of each of N lifetimes on its own level: (lifetimes [N], Rollout [N, T, W], EpisodeStats [N])."""
    keys = step_keys(lifetimes, purpose)

    def one(life: Lifetime, level: PyTree, key: Key) -> tuple[Workers, Rollout, EpisodeStats]:
        return rollout(env, agent, life.learner.params, level, life.workers, key, steps)

    workers, experience, episodes = jax.vmap(one)(lifetimes, levels, keys)
    best = jnp.maximum(lifetimes.best_return, episodes.best)
    return dataclasses.replace(lifetimes, workers=workers, best_return=best), experience, episodes


def advance(
    env: EnvFamily, agent: Agent, rule: UpdateRule, eta: Any, lifetimes: Lifetime, levels: PyTree, steps: int
) -> tuple[Lifetime, Rollout, EpisodeStats, dict[str, Array]]:
    """One rollout and one update of each of N lifetimes."""
    keys = step_keys(lifetimes, _UPDATE)
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
    """`updates` updates of each of N lifetimes, and the episodes completed in them."""

    def body(_: Array, carry: tuple[Lifetime, EpisodeStats]) -> tuple[Lifetime, EpisodeStats]:
        lifetimes, total = carry
        lifetimes, _experience, episodes, _info = advance(env, agent, rule, eta, lifetimes, levels, steps)
        return lifetimes, total.and_then(episodes)

    return jax.lax.fori_loop(0, updates, body, (lifetimes, EpisodeStats.none(lifetimes.learner.updates.shape)))


def step_keys(lifetimes: Lifetime, purpose: int) -> Key:
    """A key for each of N lifetimes, of its birth key, the updates it has done, and the purpose."""
    identity = _PURPOSES * (1 + lifetimes.learner.updates) + purpose
    return jax.vmap(jax.random.fold_in)(lifetimes.key, identity)
