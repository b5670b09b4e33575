"""The truncated meta-step: K updates of every student and antagonist, then one update of eta; lifetimes go on."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from groove.curriculum.base import Curriculum
from groove.meta.antagonists import advance_antagonists, antagonist_entropy
from groove.meta.cloning import Cloning, clone_students
from groove.meta.gradient import GradientConfig, meta_gradient
from groove.meta.level_record import RECORD, nothing_finished, record_finished
from groove.meta.outcomes import level_outcome, outcome_metrics
from groove.meta.slots import (
    Levels,
    Lives,
    Setup,
    begin_lives,
    finished_slots,
    replace_finished,
    round_up,
    staggered_lengths,
)
from groove.meta.trainer import MetaStep, TrainState
from groove.types import Array, Key, LevelOutcome, Metrics, Stream
from groove.utils import parallel

_Turned = tuple[Levels, Lives, Any, LevelOutcome, Any]  # after a turnover; last, the record or ()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GradientState:
    """The state of eta's optimizer, and the number of meta-gradients that were not finite and not applied."""

    adam: Any
    skipped: Array  # int32 []


def make_truncated_step(
    setup: Setup,
    config: GradientConfig,
    curriculum: Curriculum,
    slots: int,
    stagger: int,
    cloning: Cloning | None = None,
) -> MetaStep:
    """Build the meta-step.

    Args:
      setup: the static parts of the slots.
      config: of the meta-gradient; lifetimes are rounded up to multiples of its K.
      curriculum: chooses levels.
      slots: N.
      stagger: groups in which the first lifetimes end.
      cloning: how policies are cloned; None for not at all.
    """
    optimizer = make_optimizer(config)

    def init(key: Key) -> TrainState:
        rule_key, level_key, slot_key = jax.random.split(jax.random.fold_in(key, Stream.INIT), 3)
        eta = setup.rule.init(rule_key)
        state, level, level_id = curriculum.init(level_key, slots)
        levels = Levels(level, level_id, curriculum.weight(state, level_id))
        index = jnp.arange(slots)
        lengths = staggered_lengths(jax.vmap(setup.env.lifetime)(level), index, stagger, config.updates)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, index)
        return TrainState(
            eta=eta,
            optimizer=GradientState(adam=optimizer.init(eta), skipped=jnp.int32(0)),
            average=(),
            levels=levels,
            lives=begin_lives(setup, levels, lengths, keys),
            curriculum=state,
            key=key,
            step=jnp.int32(0),
        )

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        mean_weight = jax.lax.pmean(state.levels.weight.mean(), parallel.SLOTS)
        weight = state.levels.weight / jnp.maximum(mean_weight, 1e-6)  # the loss is a mean over weights
        lives, antagonists = advance_antagonists(setup, state.lives, state.levels.level, config.updates, state.past)
        floor = antagonist_entropy(setup, lives) if config.entropy_floor else None
        clone = None if cloning is None else jnp.full_like(weight, cloning.weight_at(state.step))
        gradient, lives, metrics = meta_gradient(setup, config, state.eta, state.levels, lives, weight, floor, clone)
        if cloning is not None and cloning.antagonist:
            lives = clone_students(setup, lives, state.levels.level, cloning.weight_at(state.step))
        gradient, metrics = jax.lax.pmean((gradient, dict(metrics)), parallel.SLOTS)
        eta, gradient_state, gradient_metrics = move(optimizer, state.eta, state.optimizer, gradient, mean_weight > 0)
        metrics |= gradient_metrics
        if antagonists is not None:
            totals = {
                "antagonist_return_sum": antagonists.return_sum,
                "antagonist_episodes": antagonists.episodes,
            }
            metrics |= jax.lax.pmean(jax.tree.map(jnp.sum, totals), parallel.SLOTS)
        turned = _turnover(setup, config.updates, curriculum, state, lives)
        levels, lives, curriculum_state, outcome, record = turned
        metrics |= {RECORD: record} if setup.recorded else {}
        metrics |= outcome_metrics(outcome) | dict(curriculum.metrics(curriculum_state))
        metrics["env_steps"] = jnp.float32(slots * setup.workers * setup.steps * (config.updates + 1))
        following = dataclasses.replace(
            state,
            eta=eta,
            optimizer=gradient_state,
            levels=levels,
            lives=lives,
            curriculum=curriculum_state,
            step=state.step + 1,
        )
        return following, metrics

    return MetaStep(init, step, sharded=frozenset({"levels", "lives"}))


def make_optimizer(config: GradientConfig) -> optax.GradientTransformation:
    """Build the optimizer of eta: clipping by global norm, then Adam with a linear schedule."""
    schedule = optax.linear_schedule(config.learning_rate, config.final_learning_rate, config.decay_steps)
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(schedule))


def move(
    optimizer: optax.GradientTransformation, eta: Any, state: GradientState, gradient: Any, counts: Array
) -> tuple[Any, GradientState, Metrics]:
    """Move eta by a meta-gradient, unless the gradient is not finite or no lifetime counts.

    Args:
      optimizer: of eta.
      eta: the parameters of the rule.
      state: of the optimizer.
      gradient: averaged over all slots.
      counts: bool [], whether any lifetime has weight; otherwise momentum alone would move eta.
    """
    norm = optax.tree.norm(gradient)
    finite = jnp.isfinite(norm)
    applies = finite & counts
    updates, adam = optimizer.update(gradient, state.adam, eta)
    moved = (optax.apply_updates(eta, updates), adam)
    eta, adam = jax.tree.map(lambda new, old: jnp.where(applies, new, old), moved, (eta, state.adam))
    state = GradientState(adam=adam, skipped=state.skipped + ~finite)
    return eta, state, {"meta_grad_norm": norm, "skipped": state.skipped}


def _turnover(setup: Setup, updates: int, curriculum: Curriculum, state: TrainState, lives: Lives) -> _Turned:
    """Score and record the levels of finished lifetimes, and start new lifetimes on the curriculum's next levels."""
    finished = finished_slots(lives)
    local = finished.shape[0]
    all_finished = parallel.gather_slots(finished)

    def turn(levels: Levels, lives: Lives, curriculum_state: Any) -> _Turned:
        memory = curriculum.recall(curriculum_state, levels.level_id)
        outcome = parallel.gather_slots(level_outcome(setup, levels, lives, finished, memory, curriculum.needs))
        curriculum_state = curriculum.update(curriculum_state, parallel.gather_slots(levels.level_id), outcome)
        own_length = round_up(jax.vmap(setup.env.lifetime)(levels.level), updates)
        whole = parallel.gather_slots(lives.student.learner.lifetime >= own_length)
        record = _record(setup, state, dataclasses.replace(outcome, finished=outcome.finished & whole))
        key = jax.random.fold_in(jax.random.fold_in(state.key, Stream.META_STEP), state.step)
        level_key, slot_key = jax.random.split(key)
        curriculum_state, level, level_id = curriculum.sample(curriculum_state, level_key, all_finished)
        level, level_id = parallel.own_slots((level, level_id), local)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(slot_key, parallel.global_index(local))
        lengths = round_up(jax.vmap(setup.env.lifetime)(level), updates)
        new_levels = Levels(level, level_id, curriculum.weight(curriculum_state, level_id))
        new_lives = begin_lives(setup, new_levels, lengths, keys)
        levels, lives = replace_finished((levels, lives), (new_levels, new_lives), finished)
        return levels, lives, curriculum_state, outcome, record

    def stay(levels: Levels, lives: Lives, curriculum_state: Any) -> _Turned:
        nothing = nothing_finished(setup.env, setup.recorded) if setup.recorded else ()
        return levels, lives, curriculum_state, LevelOutcome.unknown(all_finished), nothing

    return jax.lax.cond(all_finished.any(), turn, stay, state.levels, lives, state.curriculum)


def _record(setup: Setup, state: TrainState, outcome: LevelOutcome) -> Any:
    """Return the record of the whole lifetimes that end in this meta-step; () if the run keeps none.

    The first lifetimes of a run are shortened, so that their returns do not belong to the lifetimes in the features.
    """
    if not setup.recorded:
        return ()
    key = jax.random.fold_in(jax.random.fold_in(state.key, Stream.RECORD), state.step)
    levels = parallel.gather_slots(state.levels.level)
    return record_finished(setup.env, levels, outcome, key, setup.recorded)
