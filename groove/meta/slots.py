"""N slots: on each, a student under the learned rule and its antagonists live on one level, in lockstep.

All functions act on one device's share of the slots. Randomness is folded from the global index of a slot, so that
results do not depend on how slots are distributed over devices.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.meta.critic import Critic, MetaCritic, begin_critic, critic_update
from groove.types import Array, Key, PyTree, Rollout, Stream
from groove.utils.arrays import select


class Antagonist(NamedTuple):
    """A hand-written rule, and agents with the heads that it needs."""

    rule: UpdateRule
    agent: Agent


class Setup(NamedTuple):
    """The static parts of all slots: environments, rules, agents and sizes.

    Attributes:
      env: the family of environments.
      rule: the learned rule.
      student: agents with the heads that the learned rule needs.
      critic: the meta-critic.
      antagonists: hand-written rules to measure regret against; empty if the curriculum needs none.
      optimal_antagonist: whether the best policy of a level is an antagonist, too.
      workers: W.
      steps: T.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
    """

    env: EnvFamily
    rule: UpdateRule
    student: Agent
    critic: MetaCritic
    antagonists: tuple[Antagonist, ...]
    optimal_antagonist: bool
    workers: int
    steps: int
    episodes: int
    chunk: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Levels:
    """The levels that N lifetimes are lived on, as the curriculum handed them out."""

    level: PyTree  # [N]
    level_id: Array  # int32 [N]: the name of the level in the curriculum
    weight: Array  # f32 [N]: of the lifetime in the meta-gradient; 0 where the rule is not to learn from the lifetime


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Lives:
    """The lifetimes in progress on N slots; every field has leading axis N."""

    student: Lifetime
    critic: Critic
    antagonists: tuple[Lifetime, ...]  # one for each antagonist of the setup


def begin_lives(setup: Setup, levels: Levels, lengths: Array, keys: Key) -> Lives:
    """Start N lifetimes.

    Args:
      setup: the static parts.
      levels: [N].
      lengths: int32[N], agent updates.
      keys: [N], all the randomness of each slot until its lifetime ends.
    """

    def begin(level: PyTree, length: Array, key: Key) -> Lives:
        streams = (Stream.STUDENT, Stream.ANTAGONIST, Stream.CRITIC)
        student, antagonist, critic = (jax.random.fold_in(key, stream) for stream in streams)
        return Lives(
            student=lifetime.begin(setup.env, setup.student, level, length, student, setup.workers),
            critic=begin_critic(setup.critic, critic),
            antagonists=tuple(
                lifetime.begin(setup.env, each.agent, level, length, antagonist, setup.workers)
                for each in setup.antagonists
            ),
        )

    return jax.vmap(begin)(levels.level, lengths, keys)


def staggered_lengths(lengths: Array, index: Array, groups: int, multiple: int) -> Array:
    """Return lengths of the first lifetimes: group g of G lives (g + 1) / G of the lifetime of its level.

    From then on, lifetimes of equal length end group by group, evenly spread over time. The rule is told the shortened
    lifetime.

    Args:
      lengths: int32[N], agent updates.
      index: int32[N], global index of each slot; slot i belongs to group i mod G.
      groups: G.
      multiple: K; lengths are rounded up to multiples of it.
    """
    group = index % groups + 1
    return round_up(lengths * group // groups, multiple)


def round_up(lengths: Array, multiple: int) -> Array:
    """Return the smallest positive multiples that are not below the lengths."""
    return jnp.maximum(-(-lengths // multiple), 1) * multiple


def advance_students(
    setup: Setup, eta: Any, lives: Lives, level: PyTree, with_critic: bool = True
) -> tuple[Lives, Rollout, EpisodeStats, UpdateInfo]:
    """Give every student one rollout and one update under the learned rule, and its critic one update.

    Args:
      setup: the static parts.
      eta: the parameters of the rule.
      lives: [N].
      level: [N].
      with_critic: whether critics learn, too.

    Returns:
      The lives, the Rollout [N, T, W], the complete episodes [N], and facts about the updates [N].
    """
    student, experience, episodes, info = lifetime.advance(
        setup.env, setup.student, setup.rule, eta, lives.student, level, setup.steps
    )
    critic = advance_critics(setup, lives.critic, experience)[0] if with_critic else lives.critic
    return dataclasses.replace(lives, student=student, critic=critic), experience, episodes, info


def advance_critics(setup: Setup, critics: Critic, experience: Rollout) -> tuple[Critic, Array, Array]:
    """Update N critics: (critics, advantages f32[N, T, W] before the update, squared errors f32[N])."""
    return jax.vmap(lambda critic, rollout: critic_update(setup.critic, critic, rollout))(critics, experience)


def advance_antagonists(
    setup: Setup, lives: Lives, level: PyTree, updates: int | Array
) -> tuple[Lives, EpisodeStats | None]:
    """Give every antagonist `updates` updates from its own experience; None instead of episodes without antagonists."""
    if not setup.antagonists:
        return lives, None
    advanced = [
        lifetime.live(setup.env, each.agent, each.rule, (), life, level, setup.steps, updates)
        for each, life in zip(setup.antagonists, lives.antagonists, strict=True)
    ]
    episodes = functools.reduce(EpisodeStats.and_then, [stats for _, stats in advanced])
    return dataclasses.replace(lives, antagonists=tuple(life for life, _ in advanced)), episodes


def finished_slots(lives: Lives) -> Array:
    """Return which lifetimes are over, bool[N]."""
    return lives.student.learner.updates >= lives.student.learner.lifetime


def replace_finished(old: PyTree, new: PyTree, finished: Array) -> PyTree:
    """Return a tree of slots [N] in which those that are finished, bool[N], are replaced by new ones."""
    return jax.tree.map(lambda a, b: select(finished, a, b), new, old)
