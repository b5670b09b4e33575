"""N slots: on each, a student under the learned rule and its antagonists live on one level, in lockstep.

All functions act on one device's share of the slots. Randomness is folded from the global index of a slot, so that
results do not depend on how slots are distributed over devices.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lpg.base import UpdateRule
from groove.meta.critic import Critic, MetaCritic, begin_critic
from groove.types import Array, Key, PyTree, Stream
from groove.utils.arrays import select


class Antagonist(NamedTuple):
    """A rule, its parameters or the `PastSelf` that stands for them, and agents with the heads that it needs."""

    rule: UpdateRule
    eta: Any
    agent: Agent


class Setup(NamedTuple):
    """The static parts of all slots: environments, rules, agents and sizes.

    Attributes:
      env: the family of environments.
      rule: the learned rule.
      student: agents with the heads that the learned rule needs.
      critic: the meta-critic.
      antagonists: rules to measure regret against; empty if the curriculum needs none.
      optimal_antagonist: whether the best policy of a level is an antagonist, too.
      workers: W.
      steps: T.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
      recorded: finished lifetimes of one meta-step that enter the record, at most; 0 for no record.
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
    recorded: int = 0


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

    size = setup.workers, setup.steps

    def begin(level: PyTree, length: Array, key: Key) -> Lives:
        streams = (Stream.STUDENT, Stream.ANTAGONIST, Stream.CRITIC)
        student, antagonist, critic = (jax.random.fold_in(key, stream) for stream in streams)
        return Lives(
            student=lifetime.begin(setup.env, setup.student, setup.rule, level, length, student, *size),
            critic=begin_critic(setup.critic, critic),
            antagonists=tuple(
                lifetime.begin(setup.env, each.agent, each.rule, level, length, antagonist, *size)
                for each in setup.antagonists
            ),
        )

    return jax.vmap(begin)(levels.level, lengths, keys)


def staggered_lengths(lengths: Array, index: Array, groups: int, multiple: int) -> Array:
    """Return lengths of the first lifetimes: group i of n lives (i + 1) / n of the lifetime of its level.

    From then on, lifetimes of equal length end group by group, evenly spread over time. The rule is told the shortened
    lifetime.

    Args:
      lengths: int32[N], agent updates.
      index: int32[N], global index of each slot; a slot belongs to the group of its index modulo n.
      groups: n.
      multiple: K; lengths are rounded up to multiples of it.
    """
    group = index % groups + 1
    return round_up(lengths * group // groups, multiple)


def round_up(lengths: Array, multiple: int) -> Array:
    """Return the smallest positive multiples that are not below the lengths."""
    return jnp.maximum(-(-lengths // multiple), 1) * multiple


def finished_slots(lives: Lives) -> Array:
    """Return which lifetimes are over, bool[N]."""
    return lives.student.learner.updates >= lives.student.learner.lifetime


def replace_finished(old: PyTree, new: PyTree, finished: Array) -> PyTree:
    """Return a tree of slots [N] in which those that are finished, bool[N], are replaced by new ones."""
    return jax.tree.map(lambda a, b: select(finished, a, b), new, old)
