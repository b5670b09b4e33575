"""The generation meta-step: candidates of eta are judged by agents that they train for whole lifetimes.

The two candidates of a pair share level, agent initialisation and random numbers (antithetic task sampling), so that
they differ in eta only. Pairs are sorted by lifetime and dealt to devices in turn. Each pair lives exactly as long as
its level says.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.antagonists import advance_antagonists
from groove.meta.es import Strategy
from groove.meta.groups import Group, pack, split_key, unpack
from groove.meta.level_record import RECORD, record_finished
from groove.meta.outcomes import CRITIC_FIELDS, level_outcome, outcome_metrics
from groove.meta.past_selves import Copies
from groove.meta.slots import Levels, Lives, Setup, begin_lives
from groove.meta.students import advance_students
from groove.meta.trainer import MetaStep, TrainState
from groove.types import Array, Key, LevelOutcome, PyTree, Stream
from groove.utils import parallel

_LARGER = {"student_best", "best_return"}  # of two candidates
_STUDENT_FIELDS = {"student_return", "student_variance", "student_largest", *_LARGER, *CRITIC_FIELDS}


@dataclass(frozen=True)
class _Members:
    """The lives of both candidates of every pair of one device, and sums over their episodes."""

    first: Lives  # [n]
    second: Lives  # [n]
    totals: dict[str, Array]  # [n]


jax.tree_util.register_dataclass(_Members)


class _Lived(NamedTuple):
    """The lifetimes of one group in one generation."""

    levels: Levels  # [pairs]
    lengths: Array  # int32[pairs]
    fitness: Array  # f32[pairs, 2]
    outcome: LevelOutcome  # [pairs]
    totals: dict[str, Array]  # sums over episodes
    curriculum: Any  # the state before the generation


class _Static(NamedTuple):
    """The static parts of a group's lifetimes."""

    setup: Setup
    curriculum: Curriculum
    pairs: int  # of the group
    first: int  # number of the group's first pair among the pairs of all groups
    all_pairs: int  # S / 2
    pairs_at_once: int
    with_critic: bool  # whether critics live beside students
    needs: frozenset[str]  # fields of LevelOutcome


_Rules = tuple[Any, tuple[Copies, ...]]  # the candidates, and the past selves of the rule


def make_generation_step(groups: Sequence[Group], strategy: Strategy, pairs_at_once: int) -> MetaStep:
    """Build the meta-step.

    Args:
      groups: the pairs; all groups have the same learned rule. A critic is trained only if
        the curriculum of its group needs the critic's statistics.
      strategy: moves eta.
      pairs_at_once: pairs that live side by side on one device, at most.
    """
    all_pairs = sum(group.size for group in groups)
    firsts = itertools.accumulate((group.size for group in groups), initial=0)
    statics = [_static(group, first, all_pairs, pairs_at_once) for group, first in zip(groups, firsts, strict=False)]

    def init(key: Key) -> TrainState:
        rule_key, level_key, _ = jax.random.split(jax.random.fold_in(key, Stream.INIT), 3)
        eta = groups[0].setup.rule.init(rule_key)
        levels, curricula = [], []
        for group, group_key in zip(groups, split_key(level_key, groups), strict=True):
            state, level, level_id = group.curriculum.init(group_key, group.size)
            levels.append(Levels(level, level_id, group.curriculum.weight(state, level_id)))
            curricula.append(state)
        return TrainState(eta, strategy.init(eta), (), pack(levels), (), pack(curricula), key, jnp.int32(0))

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        key = jax.random.fold_in(jax.random.fold_in(state.key, Stream.META_STEP), state.step)
        ask_key, tell_key, level_key, life_key = jax.random.split(key, 4)
        candidates = strategy.ask(ask_key, state.optimizer)
        lived = [
            _live_group(static, (candidates, state.past), levels, curriculum, life_key)
            for static, levels, curriculum in zip(
                statics, unpack(state.levels, groups), unpack(state.curriculum, groups), strict=True
            )
        ]
        fitness = jnp.concatenate([each.fitness for each in lived])
        weight = jnp.concatenate([each.levels.weight for each in lived])
        counted = jnp.where(weight[:, None] > 0, fitness, 0.0)  # a pair that does not count is a tie
        strategy_state = strategy.tell(tell_key, candidates, counted.T.reshape(-1), state.optimizer)

        levels, curricula = [], []
        for group, each, group_key in zip(groups, lived, split_key(level_key, groups), strict=True):
            curriculum = group.curriculum
            updated = curriculum.update(each.curriculum, each.levels.level_id, each.outcome)
            updated, level, level_id = curriculum.sample(updated, group_key, each.outcome.finished)
            levels.append(Levels(level, level_id, curriculum.weight(updated, level_id)))
            curricula.append(updated)
        following = dataclasses.replace(
            state,
            eta=strategy.mean(strategy_state),
            optimizer=strategy_state,
            levels=pack(levels),
            curriculum=pack(curricula),
            step=state.step + 1,
        )
        record_key = jax.random.fold_in(jax.random.fold_in(state.key, Stream.RECORD), state.step)
        return following, _metrics(groups, lived, curricula, fitness, _records(groups, lived, record_key))

    return MetaStep(init, step, sharded=frozenset())


def _static(group: Group, first: int, all_pairs: int, pairs_at_once: int) -> _Static:
    needs = group.curriculum.needs | {"student_return"}
    with_critic = bool(needs & CRITIC_FIELDS)
    return _Static(group.setup, group.curriculum, group.size, first, all_pairs, pairs_at_once, with_critic, needs)


def _live_group(static: _Static, rules: _Rules, levels: Levels, curriculum_state: Any, life_key: Key) -> _Lived:
    """Live the lifetimes of one group's pairs, on all devices."""
    lengths = jax.vmap(static.setup.env.lifetime)(levels.level)
    own, counts = _deal(lengths)
    members = _live_pairs(static, rules, levels, lengths, own, life_key)
    own_levels = jax.tree.map(lambda x: x[own], levels)
    fitness, outcome = _judge(static, curriculum_state, own_levels, members)
    fitness, outcome = _collect(own, static.pairs, (fitness, outcome))
    totals = {
        name: jax.lax.psum(jnp.where(counts, total, 0).sum(), parallel.SLOTS) for name, total in members.totals.items()
    }
    return _Lived(levels, lengths, fitness, outcome, totals, curriculum_state)


def _metrics(
    groups: Sequence[Group],
    lived: Sequence[_Lived],
    curricula: Sequence[Any],
    fitness: Array,
    records: Sequence[dict[str, Array]],
) -> dict[str, Array]:
    """Return the metrics of a generation; those of each group carry its name, if there are several."""
    own = [
        {**each.totals, **outcome_metrics(each.outcome), **dict(group.curriculum.metrics(curriculum)), **record}
        for group, each, curriculum, record in zip(groups, lived, curricula, records, strict=True)
    ]
    if len(groups) == 1:
        metrics = own[0]
    else:
        pooled = {**lived[0].totals, **outcome_metrics(lived[0].outcome)}
        metrics = {name: jnp.sum(jnp.stack([each[name] for each in own])) for name in pooled}
        metrics |= {
            f"{group.name}/{name}": x for group, each in zip(groups, own, strict=True) for name, x in each.items()
        }
    metrics["fitness"] = fitness.mean()
    metrics["fitness_difference"] = jnp.abs(fitness[:, 0] - fitness[:, 1]).mean()
    metrics["lifetime"] = jnp.concatenate([each.lengths for each in lived]).mean()
    steps = [
        2.0 * each.lengths.sum() * group.setup.workers * group.setup.steps
        for group, each in zip(groups, lived, strict=True)
    ]
    metrics["env_steps"] = jnp.sum(jnp.stack(steps))
    return metrics


def _records(groups: Sequence[Group], lived: Sequence[_Lived], key: Key) -> list[dict[str, Array]]:
    """Return the record of each group under its name; nothing for a group that keeps none."""
    return [
        {RECORD: record_finished(group.setup.env, each.levels.level, each.outcome, group_key, group.setup.recorded)}
        if group.setup.recorded
        else {}
        for group, each, group_key in zip(groups, lived, split_key(key, groups), strict=True)
    ]


def _live_pairs(static: _Static, rules: _Rules, levels: Levels, lengths: Array, own: Array, life_key: Key) -> _Members:
    """Live the lifetimes of this device's pairs of a group, int32[n], from birth to end."""

    def live(pair: Array) -> _Members:
        level, length = jax.tree.map(lambda x: x[pair][None], (levels, lengths))
        number = static.first + pair
        born = begin_lives(static.setup, level, length, jax.random.fold_in(life_key, number)[None])
        return _live_pair(static, rules, number, level, born)

    at_once = parallel.largest_share(own.shape[0], static.pairs_at_once)
    members = jax.lax.map(live, own, batch_size=at_once if at_once > 1 else None)
    first, second = jax.tree.map(lambda x: x[:, 0], (members.first, members.second))
    return dataclasses.replace(members, first=first, second=second)


def _live_pair(static: _Static, rules: _Rules, number: Array, level: Levels, born: Lives) -> _Members:
    """Train the agents of both candidates and of the antagonists on one level: Lives [1] each, and episode totals."""
    candidates, past = rules
    both = jax.tree.map(lambda x: x[jnp.stack([number, number + static.all_pairs])], candidates)
    length = born.student.learner.lifetime[0]
    lives, episodes = jax.vmap(lambda eta: _live(static, eta, born, level.level, length))(both)
    antagonists, other_episodes = advance_antagonists(static.setup, born, level.level, length, past)
    totals = {"student_return_sum": episodes.return_sum.sum(), "student_episodes": episodes.episodes.sum()}
    if other_episodes is not None:
        totals["antagonist_return_sum"] = other_episodes.return_sum.sum()
        totals["antagonist_episodes"] = other_episodes.episodes.sum()
    first, second = (
        Lives(
            student=jax.tree.map(lambda x, i=i: x[i], lives.student),
            critic=jax.tree.map(lambda x, i=i: x[i], lives.critic),
            antagonists=antagonists.antagonists,
        )
        for i in range(2)
    )
    return _Members(first, second, totals)


def _live(static: _Static, eta: Any, born: Lives, level: PyTree, length: Array) -> tuple[Lives, EpisodeStats]:
    """Live a whole lifetime under eta, [1], with a critic beside the student if the curriculum needs one."""
    setup = static.setup
    if not static.with_critic:
        student, episodes = lifetime.live(
            setup.env, setup.student, setup.rule, eta, born.student, level, setup.steps, length
        )
        return dataclasses.replace(born, student=student), episodes

    def update(_: Array, carry: tuple[Lives, EpisodeStats]) -> tuple[Lives, EpisodeStats]:
        lives, total = carry
        lives, _experience, episodes, _info = advance_students(setup, eta, lives, level)
        return lives, total.and_then(episodes)

    return jax.lax.fori_loop(0, length, update, (born, EpisodeStats.none((1,))))


def _judge(static: _Static, curriculum_state: Any, levels: Levels, members: _Members) -> tuple[Array, LevelOutcome]:
    """Return the fitness of both candidates of this device's pairs, f32[n, 2], and the outcomes.

    Fields of the student are the mean of both candidates; its best returns are the larger.
    """
    everyone = jnp.ones(levels.level_id.shape, bool)
    memory = static.curriculum.recall(curriculum_state, levels.level_id)
    needs = static.needs
    first = level_outcome(static.setup, levels, members.first, everyone, memory, needs)
    second = level_outcome(static.setup, levels, members.second, everyone, memory, needs & frozenset(_STUDENT_FIELDS))
    combined = {name: (getattr(first, name) + getattr(second, name)) / 2 for name in _STUDENT_FIELDS & needs}
    combined |= {name: jnp.maximum(getattr(first, name), getattr(second, name)) for name in _LARGER & needs}
    fitness = jnp.stack([first.student_return, second.student_return], axis=1)
    return fitness, dataclasses.replace(first, **combined)


def _deal(lengths: Array) -> tuple[Array, Array]:
    """Return the pairs of this device, int32[n], shortest lifetime first, and which of them count, bool[n].

    Sorted pairs are dealt to devices in turn. If the devices do not divide the pairs, some devices live the shortest
    pair once more, so that all have the same number; the copies do not count.
    """
    devices = jax.lax.axis_size(parallel.SLOTS)
    copies = -lengths.shape[0] % devices
    order = jnp.argsort(lengths)
    dealt = jnp.concatenate([jnp.repeat(order[:1], copies), order]).reshape(-1, devices)
    counts = (jnp.arange(dealt.size) >= copies).reshape(-1, devices)
    device = jax.lax.axis_index(parallel.SLOTS)
    return jnp.take(dealt, device, axis=1), jnp.take(counts, device, axis=1)


def _collect(own: Array, pairs: int, tree: PyTree) -> PyTree:
    """Return the pairs of all devices, each once, in the order of the pairs' numbers."""
    dealt = parallel.gather_slots(own)
    order = jnp.argsort(dealt)
    place = order[jnp.searchsorted(dealt[order], jnp.arange(pairs))]
    return jax.tree.map(lambda x: x[place], parallel.gather_slots(tree))
