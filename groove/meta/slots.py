"""N slots: a student under the learned rule and its antagonist, in lockstep on one level each.

Everything here acts on one device's share of the slots, and folds randomness from each slot's global index, so that
nothing depends on how slots are shared out.
"""

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import EpisodeStats, evaluate_policy
from groove.lpg.base import UpdateRule
from groove.meta.critic import Critic, begin_critic
from groove.types import Array, Key, LevelMemory, LevelOutcome, PyTree
from groove.utils.arrays import select

_STUDENT, _ANTAGONIST, _CRITIC = range(3)


class Rival(NamedTuple):
    """An antagonist: a hand-written rule and agents as it needs them."""

    rule: UpdateRule
    agent: Agent


class Setup(NamedTuple):
    """Who plays, where, and in what portions; static.

    Attributes:
      env: the family of environments.
      rule: the learned rule.
      student: agents as the rule needs them.
      critic: agents as the meta-critic needs them.
      rivals: the antagonists that learn; none where the curriculum needs none.
      optimal_rival: whether the best policy is an antagonist, too.
      workers: W.
      steps: T.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
    """

    env: EnvFamily
    rule: UpdateRule
    student: Agent
    critic: Agent
    rivals: tuple[Rival, ...]
    optimal_rival: bool
    workers: int
    steps: int
    episodes: int
    chunk: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Slots:
    """Lifetimes in progress, each field with leading axis N."""

    level: PyTree
    level_id: Array  # int32 [N]: the curriculum's name for the level
    weight: Array  # f32 [N]: of the lifetime in the meta-gradient
    student: Lifetime
    critic: Critic
    antagonists: tuple[Lifetime, ...]  # one a rival


def begin_slots(setup: Setup, levels: PyTree, ids: Array, weights: Array, lengths: Array, keys: Key) -> Slots:
    """Starts N lifetimes: levels [N], ids int32[N], weights f32[N], lengths int32[N] in agent updates, keys [N]."""

    def one(level: PyTree, level_id: Array, weight: Array, length: Array, key: Key) -> Slots:
        student, antagonist, critic = (jax.random.fold_in(key, i) for i in (_STUDENT, _ANTAGONIST, _CRITIC))
        return Slots(
            level=level,
            level_id=level_id,
            weight=weight,
            student=lifetime.begin(setup.env, setup.student, level, length, student, setup.workers),
            critic=begin_critic(setup.critic, critic),
            antagonists=tuple(
                lifetime.begin(setup.env, rival.agent, level, length, antagonist, setup.workers)
                for rival in setup.rivals
            ),
        )

    return jax.vmap(one)(levels, ids, weights, lengths, keys)


def staggered_lengths(lengths: Array, index: Array, groups: int, multiple: int) -> Array:
    """Lengths of the first lifetimes: group g of G lives (g + 1) / G of its level's lifetime.

    From then on lifetimes of equal length end group by group, evenly spread, and those that end together are evaluated
    together. They are honestly shorter: what the rule is told of the lifetime agrees.

    Args:
      lengths: int32[N], agent updates.
      index: int32[N], global index of each slot; slot i belongs to group i mod G.
      groups: G.
      multiple: lengths are rounded up to multiples of it (K).
    """
    group = index % groups + 1
    return round_up(lengths * group // groups, multiple)


def round_up(lengths: Array, multiple: int) -> Array:
    """The smallest positive multiples that are not below the lengths."""
    return jnp.maximum(-(-lengths // multiple), 1) * multiple


def advance_antagonists(setup: Setup, slots: Slots, updates: int | Array) -> tuple[Slots, EpisodeStats | None]:
    """Gives every antagonist as many updates as its student had, from its own experience."""
    if not setup.rivals:
        return slots, None
    lived = [
        lifetime.live(setup.env, rival.agent, rival.rule, (), life, slots.level, setup.steps, updates)
        for rival, life in zip(setup.rivals, slots.antagonists, strict=True)
    ]
    episodes = functools.reduce(EpisodeStats.and_then, [stats for _, stats in lived])
    return dataclasses.replace(slots, antagonists=tuple(life for life, _ in lived)), episodes


def finished_slots(slots: Slots) -> Array:
    """Whose lifetime is over: bool[N]."""
    return slots.student.learner.updates >= slots.student.learner.lifetime


def level_outcome(
    setup: Setup, slots: Slots, finished: Array, memory: LevelMemory, needs: frozenset[str]
) -> LevelOutcome:
    """Finds out what the curriculum needs to know of the finished slots, and of no other.

    Args:
      setup: the players.
      slots: [N].
      finished: bool[N].
      memory: [N], of the slots' levels; what it knows is not computed again.
      needs: fields of LevelOutcome; the others are NaN.
    """
    found: dict[str, Array] = {}
    if "optimal_return" in needs or ("antagonist_return" in needs and setup.optimal_rival):
        found["optimal_return"] = _optimal_returns(setup.env, slots.level, finished, memory.optimal_return)
    found |= _play(setup, slots, finished, needs)
    if "antagonist_return" in needs and setup.optimal_rival:
        rivals = found.get("antagonist_return", jnp.full(finished.shape, -jnp.inf))
        found["antagonist_return"] = jnp.maximum(rivals, found["optimal_return"])
    found["best_return"] = jnp.maximum(memory.best_return, slots.student.best_return)
    found |= {name: getattr(slots.critic, name) for name in ("positive_value_loss", "l1_value_loss", "value")}
    wanted = needs | ({"optimal_return"} if setup.optimal_rival else set())  # to be remembered
    kept = {name: jnp.where(finished, value, jnp.nan) for name, value in found.items() if name in wanted}
    return dataclasses.replace(LevelOutcome.unknown(finished), **kept)


_STUDENT_FIELDS = {"student_return", "student_variance", "student_largest"}


def _play(setup: Setup, slots: Slots, finished: Array, needs: frozenset[str]) -> dict[str, Array]:
    """Evaluation episodes of the finished slots' players: chunk by chunk, as many as it takes, until all have ended."""
    players = _players(setup, slots, needs)
    if not players:
        return {}
    count = finished.shape[0]
    chunk = min(setup.chunk, count)
    order = jnp.argsort(~finished, stable=True)
    agent = setup.student  # reads any rule's policy parameters, which are alike

    def evaluate(i: Array, returns: Array) -> Array:
        which = jax.lax.dynamic_slice_in_dim(order, i * chunk, chunk)
        chosen = [jax.tree.map(lambda x: x[which], (*player, slots.level)) for player in players]
        policies, keys, levels = jax.tree.map(lambda *x: jnp.concatenate(x), *chosen)
        play = jax.vmap(lambda p, k, lv: evaluate_policy(setup.env, agent, p, lv, k, setup.episodes))
        values = play(policies, keys, levels).reshape((len(players), chunk, setup.episodes))
        return returns.at[:, which].set(values)

    returns = jnp.full((len(players), count, setup.episodes), jnp.nan)
    returns = jax.lax.fori_loop(0, -(-finished.sum() // chunk), evaluate, returns)
    found = {}
    if needs & _STUDENT_FIELDS:
        student, returns = returns[0], returns[1:]
        found = {
            "student_return": student.mean(1),
            "student_variance": student.var(1),
            "student_largest": jnp.abs(student).max(1),
        }
    if returns.shape[0]:
        found["antagonist_return"] = returns.mean(2).max(0)
    return found


def _players(setup: Setup, slots: Slots, needs: frozenset[str]) -> list[tuple[PyTree, Key]]:
    """(policy parameters [N], keys [N]) of those whose returns are needed: the student, then its rivals."""
    players = [(setup.student, slots.student)] if needs & _STUDENT_FIELDS else []
    if "antagonist_return" in needs:
        if not setup.rivals and not setup.optimal_rival:
            raise ValueError("the curriculum needs antagonist_return: give the setup an antagonist.")
        players += [(rival.agent, life) for rival, life in zip(setup.rivals, slots.antagonists, strict=True)]
    return [(agent.policy(life.learner.params), lifetime.step_keys(life, lifetime.EVALUATE)) for agent, life in players]


def _optimal_returns(env: EnvFamily, levels: PyTree, finished: Array, known: Array) -> Array:
    """The optimal returns of the finished slots' levels, f32[N]; solves only those not known, one after another."""
    assert env.optimal_return is not None
    solve: Callable[[PyTree], Array] = env.optimal_return
    wanted = finished & jnp.isnan(known)
    order = jnp.argsort(~wanted, stable=True)

    def one(i: Array, values: Array) -> Array:
        level = jax.tree.map(lambda x: x[order[i]], levels)
        return values.at[order[i]].set(solve(level))

    return jax.lax.fori_loop(0, wanted.sum(), one, known)


def replace_finished(slots: Slots, fresh: Slots, finished: Array) -> Slots:
    """The slots with the finished ones, bool[N], replaced by fresh ones."""
    return jax.tree.map(lambda new, old: select(finished, new, old), fresh, slots)
