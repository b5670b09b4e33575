"""Meta-steps over N slots in lockstep: K updates of every student and antagonist, then one of eta; lifetimes go on."""

from typing import Any

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.meta.base import MetaOptimizer
from groove.meta.slots import (
    Setup,
    Slots,
    advance_antagonists,
    begin_slots,
    finished_slots,
    level_outcome,
    replace_finished,
    round_up,
    staggered_lengths,
)
from groove.meta.trainer import MetaStep, TrainState, outcome_metrics
from groove.types import Array, Key, LevelOutcome
from groove.utils import parallel

_INIT, _STEP = range(2)


def make_lockstep(
    setup: Setup, meta: MetaOptimizer, curriculum: Curriculum, slots: int, updates: int, stagger: int
) -> MetaStep:
    """Builds the meta-step.

    Args:
      setup: the players.
      meta: moves eta.
      curriculum: chooses levels.
      slots: N.
      updates: K; lifetimes are rounded up to multiples of it.
      stagger: groups in which the first lifetimes end.
    """

    def init(key: Key) -> TrainState:
        rule_key, level_key, slot_key = jax.random.split(jax.random.fold_in(key, _INIT), 3)
        eta = setup.rule.init(rule_key)
        state, levels, ids = curriculum.init(level_key, slots)
        index = jnp.arange(slots)
        lengths = staggered_lengths(jax.vmap(setup.env.lifetime)(levels), index, stagger, updates)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, index)
        return TrainState(
            eta=eta,
            meta=meta.init(eta),
            average=(),
            slots=begin_slots(setup, levels, ids, curriculum.weight(state, ids), lengths, keys),
            curriculum=state,
            key=key,
            step=jnp.int32(0),
        )

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        assert state.slots is not None
        eta, meta_state, own, metrics = meta.step(state.eta, state.meta, state.slots)
        own, antagonists = advance_antagonists(setup, own, updates)
        if antagonists is not None:
            totals = {
                "antagonist_return_sum": antagonists.return_sum,
                "antagonist_episodes": antagonists.episodes,
            }
            metrics |= jax.lax.pmean(jax.tree.map(jnp.sum, totals), parallel.SLOTS)
        own, curriculum_state, outcome = _turnover(setup, curriculum, updates, state, own)
        metrics |= outcome_metrics(outcome) | dict(curriculum.metrics(curriculum_state))
        metrics["env_steps"] = jnp.float32(slots * setup.workers * setup.steps * (updates + 1))
        state = TrainState(eta, meta_state, state.average, own, curriculum_state, state.key, state.step + 1)
        return state, metrics

    return MetaStep(init, step)


def _turnover(
    setup: Setup, curriculum: Curriculum, updates: int, state: TrainState, own: Slots
) -> tuple[Slots, Any, LevelOutcome]:
    """Scores the levels of lifetimes that ended, and starts new lifetimes on the curriculum's next levels."""
    finished = finished_slots(own)
    local = finished.shape[0]
    everyone = parallel.gather_slots(finished)

    def turn(own: Slots, curriculum_state: Any) -> tuple[Slots, Any, LevelOutcome]:
        memory = curriculum.recall(curriculum_state, own.level_id)
        outcome = parallel.gather_slots(level_outcome(setup, own, finished, memory, curriculum.needs))
        curriculum_state = curriculum.update(curriculum_state, parallel.gather_slots(own.level_id), outcome)
        key = jax.random.fold_in(jax.random.fold_in(state.key, _STEP), state.step)
        level_key, slot_key = jax.random.split(key)
        curriculum_state, levels, ids = curriculum.sample(curriculum_state, level_key, everyone)
        levels, ids = parallel.own_slots((levels, ids), local)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, parallel.global_index(local))
        lengths = round_up(jax.vmap(setup.env.lifetime)(levels), updates)
        fresh = begin_slots(setup, levels, ids, curriculum.weight(curriculum_state, ids), lengths, keys)
        return replace_finished(own, fresh, finished), curriculum_state, outcome

    def stay(own: Slots, curriculum_state: Any) -> tuple[Slots, Any, LevelOutcome]:
        return own, curriculum_state, LevelOutcome.unknown(everyone)

    return jax.lax.cond(everyone.any(), turn, stay, own, state.curriculum)
