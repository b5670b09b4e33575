"""N slots: a student under the learned rule and its antagonist, in lockstep on one level each.

Everything here acts on one device's share of the slots, and folds randomness from each slot's global index, so that
nothing depends on how slots are shared out.
"""

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove import lifetime
from groove.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetime import Lifetime
from groove.lpg.base import UpdateRule
from groove.meta.critic import Critic, begin_critic
from groove.rollout import EpisodeStats, evaluate_policy, select
from groove.types import Array, Key, LevelOutcome, PyTree

_STUDENT, _ANTAGONIST, _CRITIC = range(3)


class Setup(NamedTuple):
    """Who plays, where, and in what portions; static.

    Attributes:
      env: the family of environments.
      rule: the learned rule.
      student: agents as the rule needs them.
      critic: agents as the meta-critic needs them.
      antagonist_rule: the hand-written rule of the antagonist; None where the curriculum needs none.
      antagonist: agents as that rule needs them.
      workers: W.
      steps: T.
      episodes: evaluation episodes of a finished lifetime.
      chunk: finished slots evaluated side by side on one device.
    """

    env: EnvFamily
    rule: UpdateRule
    student: Agent
    critic: Agent
    antagonist_rule: UpdateRule | None
    antagonist: Agent | None
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
    student: Lifetime
    critic: Critic
    antagonist: Lifetime | None


def begin_slots(setup: Setup, levels: PyTree, ids: Array, lengths: Array, keys: Key) -> Slots:
    """Starts N lifetimes: levels [N], ids int32[N], lengths int32[N] in agent updates, keys [N]."""

    def one(level: PyTree, level_id: Array, length: Array, key: Key) -> Slots:
        student, antagonist, critic = (jax.random.fold_in(key, i) for i in (_STUDENT, _ANTAGONIST, _CRITIC))
        rival = None
        if setup.antagonist is not None:
            rival = lifetime.begin(setup.env, setup.antagonist, level, length, antagonist, setup.workers)
        return Slots(
            level=level,
            level_id=level_id,
            student=lifetime.begin(setup.env, setup.student, level, length, student, setup.workers),
            critic=begin_critic(setup.critic, critic),
            antagonist=rival,
        )

    return jax.vmap(one)(levels, ids, lengths, keys)


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


def advance_antagonists(setup: Setup, slots: Slots, updates: int) -> tuple[Slots, EpisodeStats | None]:
    """Gives every antagonist as many updates as its student had, from its own experience."""
    if setup.antagonist is None or setup.antagonist_rule is None or slots.antagonist is None:
        return slots, None
    rivals, episodes = lifetime.live(
        setup.env,
        setup.antagonist,
        setup.antagonist_rule,
        (),
        slots.antagonist,
        slots.level,
        setup.steps,
        updates,
    )
    return dataclasses.replace(slots, antagonist=rivals), episodes


def finished_slots(slots: Slots) -> Array:
    """Whose lifetime is over: bool[N]."""
    return slots.student.learner.updates >= slots.student.learner.lifetime


def level_outcome(setup: Setup, slots: Slots, finished: Array, needs: frozenset[str]) -> LevelOutcome:
    """Estimates what the curriculum needs to know of the finished slots, and of no other.

    Finished slots are taken in chunks, as many as it takes; each chunk stops at its longest episode.

    Args:
      setup: the players.
      slots: [N].
      finished: bool[N].
      needs: fields of LevelOutcome; the others are NaN.
    """
    count = finished.shape[0]
    chunk = min(setup.chunk, count)
    players = _players(setup, slots, needs)
    returns = {name: jnp.full(count, jnp.nan) for name in ("student_return", "antagonist_return")}
    if not players:
        return LevelOutcome(finished=finished, **returns)
    order = jnp.argsort(~finished, stable=True)
    agent = setup.student  # reads any rule's policy parameters, which are alike

    def evaluate(i: Array, returns: dict[str, Array]) -> dict[str, Array]:
        which = jax.lax.dynamic_slice_in_dim(order, i * chunk, chunk)
        chosen = [jax.tree.map(lambda x: x[which], (*player, slots.level)) for player in players.values()]
        policies, keys, levels = jax.tree.map(lambda *x: jnp.concatenate(x), *chosen)
        values = jax.vmap(lambda p, k, lv: evaluate_policy(setup.env, agent, p, lv, k, setup.episodes))(
            policies, keys, levels
        )
        values = values.reshape((len(players), chunk))
        kept = {n: jnp.where(finished[which], v, jnp.nan) for n, v in zip(players, values, strict=True)}
        return returns | {name: returns[name].at[which].set(value) for name, value in kept.items()}

    returns = jax.lax.fori_loop(0, -(-finished.sum() // chunk), evaluate, returns)
    return LevelOutcome(finished=finished, **returns)


def _players(setup: Setup, slots: Slots, needs: frozenset[str]) -> dict[str, tuple[PyTree, Key]]:
    """{field of LevelOutcome: (policy parameters [N], keys [N])} of those whose return is needed."""
    players = {}
    if "student_return" in needs:
        life = slots.student
        players["student_return"] = (setup.student.policy(life.learner.params), life)
    if "antagonist_return" in needs:
        if setup.antagonist is None or slots.antagonist is None:
            raise ValueError("the curriculum needs antagonist_return: give the setup an antagonist.")
        life = slots.antagonist
        players["antagonist_return"] = (setup.antagonist.policy(life.learner.params), life)
    return {n: (policy, lifetime.step_keys(life, lifetime.EVALUATE)) for n, (policy, life) in players.items()}


def replace_finished(slots: Slots, fresh: Slots, finished: Array) -> Slots:
    """The slots with the finished ones, bool[N], replaced by fresh ones."""
    return jax.tree.map(lambda new, old: select(finished, new, old), fresh, slots)
