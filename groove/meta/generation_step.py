"""Meta-steps over whole lifetimes: a generation of candidates of eta, each judged by the agents it has raised.

The two candidates of a pair share level, agent initialisation and random numbers (antithetic task sampling), so that
nothing but eta makes them differ. Pairs are sorted by lifetime and dealt to devices in turn; each lives exactly as long
as its level says.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.critic import Critic, critic_update
from groove.meta.es import Strategy
from groove.meta.slots import Setup, Slots, advance_antagonists, begin_slots, level_outcome
from groove.meta.trainer import MetaStep, TrainState, outcome_metrics
from groove.types import Array, Key, LevelOutcome, PyTree
from groove.utils import parallel

_INIT, _STEP = range(2)
_OF_CRITIC = {"positive_value_loss", "l1_value_loss", "value"}
_OF_STUDENT = {"student_return", "student_variance", "student_largest", "best_return", *_OF_CRITIC}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GenerationState:
    """The strategy, and the levels of the generation to come, one a pair."""

    strategy: Any
    level: PyTree  # [S / 2]
    level_id: Array  # int32 [S / 2]
    weight: Array  # f32 [S / 2]: 0 where the strategy is not to learn from the pair


def make_generation(
    setup: Setup,
    strategy: Strategy,
    curriculum: Curriculum,
    population: int,
    pairs_at_once: int,
    discount: float,
    trace: float,
) -> MetaStep:
    """Builds the meta-step.

    Args:
      setup: the players.
      strategy: moves eta.
      curriculum: chooses levels, one a pair.
      population: S.
      pairs_at_once: that live side by side on one device, at most.
      discount, trace: gamma and lambda of the critic, which lives beside students where the curriculum asks what it
        thinks.
    """
    pairs = population // 2
    with_critic = bool(curriculum.needs & _OF_CRITIC)
    needs = curriculum.needs | {"student_return"}

    def init(key: Key) -> TrainState:
        rule_key, level_key, _ = jax.random.split(jax.random.fold_in(key, _INIT), 3)
        eta = setup.rule.init(rule_key)
        state, levels, ids = curriculum.init(level_key, pairs)
        meta = GenerationState(strategy.init(eta), levels, ids, curriculum.weight(state, ids))
        return TrainState(eta, meta, (), None, state, key, jnp.int32(0))

    def live_pair(candidates: Any, pair: Array, born: Slots) -> tuple[tuple[Slots, Slots], dict[str, Array]]:
        """Raises the agents of both candidates and of the rivals on one level: Slots [1] each, and episode totals."""
        both = jax.tree.map(lambda x: x[jnp.stack([pair, pair + pairs])], candidates)
        length = born.student.learner.lifetime[0]
        students, critics, episodes = jax.vmap(
            lambda eta: _live(setup, eta, born, length, with_critic, discount, trace)
        )(both)
        rivals, others = advance_antagonists(setup, born, length)
        totals = {"student_return_sum": episodes.return_sum.sum(), "student_episodes": episodes.episodes.sum()}
        if others is not None:
            totals["antagonist_return_sum"] = others.return_sum.sum()
            totals["antagonist_episodes"] = others.episodes.sum()
        members = tuple(
            Slots(
                level=born.level,
                level_id=born.level_id,
                weight=born.weight,
                student=jax.tree.map(lambda x, i=i: x[i], students),
                critic=jax.tree.map(lambda x, i=i: x[i], critics),
                antagonists=rivals.antagonists,
            )
            for i in range(2)
        )
        return (members[0], members[1]), totals

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        meta: GenerationState = state.meta
        key = jax.random.fold_in(jax.random.fold_in(state.key, _STEP), state.step)
        ask_key, tell_key, level_key, life_key = jax.random.split(key, 4)
        candidates = strategy.ask(ask_key, meta.strategy)
        lengths = jax.vmap(setup.env.lifetime)(meta.level)
        own = _deal(lengths)

        def one(pair: Array) -> tuple[tuple[Slots, Slots], dict[str, Array]]:
            level, level_id, weight, length = jax.tree.map(
                lambda x: x[pair][None], (meta.level, meta.level_id, meta.weight, lengths)
            )
            born = begin_slots(setup, level, level_id, weight, length, jax.random.fold_in(life_key, pair)[None])
            return live_pair(candidates, pair, born)

        at_once = parallel.largest_share(own.shape[0], pairs_at_once)
        members, totals = jax.lax.map(one, own, batch_size=at_once if at_once > 1 else None)
        members = jax.tree.map(lambda x: x[:, 0], members)
        fitness, outcome = _judge(setup, curriculum, needs, state.curriculum, members)
        fitness, outcome = _collect(own, (fitness, outcome))
        counted = jnp.where(meta.weight[:, None] > 0, fitness, 0.0)  # a pair that does not count is a tie
        strategy_state = strategy.tell(tell_key, candidates, counted.T.reshape(-1), meta.strategy)

        curriculum_state = curriculum.update(state.curriculum, meta.level_id, outcome)
        curriculum_state, levels, ids = curriculum.sample(curriculum_state, level_key, outcome.finished)
        following = GenerationState(strategy_state, levels, ids, curriculum.weight(curriculum_state, ids))
        metrics = {name: jax.lax.psum(total.sum(), parallel.SLOTS) for name, total in totals.items()}
        metrics |= outcome_metrics(outcome) | dict(curriculum.metrics(curriculum_state))
        metrics["fitness"] = fitness.mean()
        metrics["fitness_difference"] = jnp.abs(fitness[:, 0] - fitness[:, 1]).mean()
        metrics["lifetime"] = lengths.mean()
        metrics["env_steps"] = 2.0 * lengths.sum() * setup.workers * setup.steps
        eta = strategy.mean(strategy_state)
        return TrainState(eta, following, state.average, None, curriculum_state, state.key, state.step + 1), metrics

    return MetaStep(init, step)


def _live(
    setup: Setup, eta: Any, born: Slots, length: Array, with_critic: bool, discount: float, trace: float
) -> tuple[Lifetime, Critic, EpisodeStats]:
    """A whole lifetime under eta, [1], and what a critic beside it has learned."""
    if not with_critic:
        student, episodes = lifetime.live(
            setup.env, setup.student, setup.rule, eta, born.student, born.level, setup.steps, length
        )
        return student, born.critic, episodes

    def body(_: Array, carry: tuple[Lifetime, Critic, EpisodeStats]) -> tuple[Lifetime, Critic, EpisodeStats]:
        student, critic, total = carry
        student, experience, episodes, _info = lifetime.advance(
            setup.env, setup.student, setup.rule, eta, student, born.level, setup.steps
        )
        critic = jax.vmap(lambda c, r: critic_update(setup.critic, c, r, discount, trace)[0])(critic, experience)
        return student, critic, total.and_then(episodes)

    return jax.lax.fori_loop(0, length, body, (born.student, born.critic, EpisodeStats.none((1,))))


def _judge(
    setup: Setup, curriculum: Curriculum, needs: frozenset[str], state: Any, members: tuple[Slots, Slots]
) -> tuple[Array, LevelOutcome]:
    """The fitness of both candidates of this device's pairs, f32[n, 2], and outcomes, of the pair's mean student."""
    first, second = members
    everyone = jnp.ones(first.level_id.shape, bool)
    memory = curriculum.recall(state, first.level_id)
    one = level_outcome(setup, first, everyone, memory, needs)
    other = level_outcome(setup, second, everyone, memory, needs & frozenset(_OF_STUDENT))
    mean = {name: (getattr(one, name) + getattr(other, name)) / 2 for name in _OF_STUDENT & needs}
    mean |= {name: jnp.maximum(getattr(one, name), getattr(other, name)) for name in {"best_return"} & needs}
    fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return jnp.stack([one.student_return, other.student_return], axis=1), LevelOutcome(**fields | mean)


def _deal(lengths: Array) -> Array:
    """The pairs of this device, shortest lifetime first, int32[n]: sorted pairs are dealt to devices in turn."""
    devices = jax.lax.axis_size(parallel.SLOTS)
    dealt = jnp.argsort(lengths).reshape(-1, devices)
    return jnp.take(dealt, jax.lax.axis_index(parallel.SLOTS), axis=1)


def _collect(own: Array, tree: PyTree) -> PyTree:
    """Every device's pairs, in the order of the pairs' numbers."""
    order = jnp.argsort(parallel.gather_slots(own))
    return jax.tree.map(lambda x: x[order], parallel.gather_slots(tree))
