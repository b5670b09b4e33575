"""The generation meta-step: candidates of eta are judged by agents that they train for whole lifetimes.

The two candidates of a pair share level, agent initialisation and random numbers (antithetic task sampling), so that
they differ in eta only. Pairs are sorted by lifetime and dealt to devices in turn. Each pair lives exactly as long as
its level says.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.antagonists import advance_antagonists
from groove.meta.es import Strategy
from groove.meta.outcomes import CRITIC_FIELDS, level_outcome, outcome_metrics
from groove.meta.slots import Levels, Lives, Setup, begin_lives
from groove.meta.students import advance_students
from groove.meta.trainer import MetaStep, TrainState
from groove.types import Array, Key, LevelOutcome, PyTree, Stream
from groove.utils import parallel

_STUDENT_FIELDS = {"student_return", "student_variance", "student_largest", "best_return", *CRITIC_FIELDS}


@dataclass(frozen=True)
class _Members:
    """The lives of both candidates of every pair of one device, and sums over their episodes."""

    first: Lives  # [n]
    second: Lives  # [n]
    totals: dict[str, Array]  # [n]


jax.tree_util.register_dataclass(_Members)


class _Static(NamedTuple):
    """The static parts of a generation."""

    setup: Setup
    curriculum: Curriculum
    pairs: int  # S / 2
    pairs_at_once: int
    with_critic: bool  # whether critics live beside students
    needs: frozenset[str]  # fields of LevelOutcome


def make_generation_step(
    setup: Setup, strategy: Strategy, curriculum: Curriculum, population: int, pairs_at_once: int
) -> MetaStep:
    """Build the meta-step.

    Args:
      setup: the static parts of the slots; the critic is trained only if the curriculum needs its statistics.
      strategy: moves eta.
      curriculum: chooses levels, one per pair.
      population: S.
      pairs_at_once: pairs that live side by side on one device, at most.
    """
    pairs = population // 2
    with_critic = bool(curriculum.needs & CRITIC_FIELDS)
    needs = curriculum.needs | {"student_return"}
    static = _Static(setup, curriculum, pairs, pairs_at_once, with_critic, needs)

    def init(key: Key) -> TrainState:
        rule_key, level_key, _ = jax.random.split(jax.random.fold_in(key, Stream.INIT), 3)
        eta = setup.rule.init(rule_key)
        state, level, level_id = curriculum.init(level_key, pairs)
        levels = Levels(level, level_id, curriculum.weight(state, level_id))
        return TrainState(eta, strategy.init(eta), (), levels, (), state, key, jnp.int32(0))

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        key = jax.random.fold_in(jax.random.fold_in(state.key, Stream.META_STEP), state.step)
        ask_key, tell_key, level_key, life_key = jax.random.split(key, 4)
        candidates = strategy.ask(ask_key, state.optimizer)
        lengths = jax.vmap(setup.env.lifetime)(state.levels.level)
        own = _deal(lengths)
        members = _live_pairs(static, candidates, state.levels, lengths, own, life_key)
        own_levels = jax.tree.map(lambda x: x[own], state.levels)
        fitness, outcome = _judge(static, state.curriculum, own_levels, members)
        fitness, outcome = _collect(own, (fitness, outcome))
        counted = jnp.where(state.levels.weight[:, None] > 0, fitness, 0.0)  # a pair that does not count is a tie
        strategy_state = strategy.tell(tell_key, candidates, counted.T.reshape(-1), state.optimizer)

        curriculum_state = curriculum.update(state.curriculum, state.levels.level_id, outcome)
        curriculum_state, level, level_id = curriculum.sample(curriculum_state, level_key, outcome.finished)
        metrics = {name: jax.lax.psum(total.sum(), parallel.SLOTS) for name, total in members.totals.items()}
        metrics |= outcome_metrics(outcome) | dict(curriculum.metrics(curriculum_state))
        metrics["fitness"] = fitness.mean()
        metrics["fitness_difference"] = jnp.abs(fitness[:, 0] - fitness[:, 1]).mean()
        metrics["lifetime"] = lengths.mean()
        metrics["env_steps"] = 2.0 * lengths.sum() * setup.workers * setup.steps
        following = dataclasses.replace(
            state,
            eta=strategy.mean(strategy_state),
            optimizer=strategy_state,
            levels=Levels(level, level_id, curriculum.weight(curriculum_state, level_id)),
            curriculum=curriculum_state,
            step=state.step + 1,
        )
        return following, metrics

    return MetaStep(init, step, sharded=frozenset())


def _live_pairs(
    static: _Static, candidates: Any, levels: Levels, lengths: Array, own: Array, life_key: Key
) -> _Members:
    """Live the lifetimes of this device's pairs, int32[n], from birth to end."""

    def live(pair: Array) -> _Members:
        level, length = jax.tree.map(lambda x: x[pair][None], (levels, lengths))
        born = begin_lives(static.setup, level, length, jax.random.fold_in(life_key, pair)[None])
        return _live_pair(static, candidates, pair, level, born)

    at_once = parallel.largest_share(own.shape[0], static.pairs_at_once)
    members = jax.lax.map(live, own, batch_size=at_once if at_once > 1 else None)
    first, second = jax.tree.map(lambda x: x[:, 0], (members.first, members.second))
    return dataclasses.replace(members, first=first, second=second)


def _live_pair(static: _Static, candidates: Any, pair: Array, level: Levels, born: Lives) -> _Members:
    """Train the agents of both candidates and of the antagonists on one level: Lives [1] each, and episode totals."""
    both = jax.tree.map(lambda x: x[jnp.stack([pair, pair + static.pairs])], candidates)
    length = born.student.learner.lifetime[0]
    lives, episodes = jax.vmap(lambda eta: _live(static, eta, born, level.level, length))(both)
    antagonists, other_episodes = advance_antagonists(static.setup, born, level.level, length)
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

    Fields of the student are the mean of both candidates; `best_return` is the larger.
    """
    everyone = jnp.ones(levels.level_id.shape, bool)
    memory = static.curriculum.recall(curriculum_state, levels.level_id)
    needs = static.needs
    first = level_outcome(static.setup, levels, members.first, everyone, memory, needs)
    second = level_outcome(static.setup, levels, members.second, everyone, memory, needs & frozenset(_STUDENT_FIELDS))
    combined = {name: (getattr(first, name) + getattr(second, name)) / 2 for name in _STUDENT_FIELDS & needs}
    combined |= {name: jnp.maximum(getattr(first, name), getattr(second, name)) for name in {"best_return"} & needs}
    fitness = jnp.stack([first.student_return, second.student_return], axis=1)
    return fitness, dataclasses.replace(first, **combined)


def _deal(lengths: Array) -> Array:
    """Return the pairs of this device, int32[n], shortest lifetime first; sorted pairs are dealt to devices in turn."""
    devices = jax.lax.axis_size(parallel.SLOTS)
    dealt = jnp.argsort(lengths).reshape(-1, devices)
    return jnp.take(dealt, jax.lax.axis_index(parallel.SLOTS), axis=1)


def _collect(own: Array, tree: PyTree) -> PyTree:
    """Return the pairs of all devices, in the order of the pairs' numbers."""
    order = jnp.argsort(parallel.gather_slots(own))
    return jax.tree.map(lambda x: x[order], parallel.gather_slots(tree))
