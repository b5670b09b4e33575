"""Prioritised level replay (PLR, Jiang et al. 2021a): a slot receives a new level, or a buffered one of high score."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import (
    LevelBuffer,
    Status,
    activate,
    drop_copies,
    empty,
    insert,
    is_unscored,
    levels_at,
    memory_at,
    record,
    top,
)
from groove.curriculum.plr_config import PLRConfig, check_slots
from groove.curriculum.plr_metrics import plr_metrics
from groove.curriculum.replay import is_ready, replay
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelMemory, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import select

Edit = Callable[[Key, LevelBuffer, PyTree], PyTree]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PLRState:
    """The buffer, and counts of the levels that passed through it."""

    buffer: LevelBuffer
    inserted: Array  # int32 []: levels inserted so far
    forgotten: Array  # int32 []: levels dropped so far because their score was not finite


def make_plr(env: EnvFamily, config: PLRConfig, score: str, num_slots: int, edit: Edit | None = None) -> Curriculum:
    """Build a curriculum that replays buffered levels of high score and adds new levels to the buffer.

    A new level takes an empty place, or the place of the level with the lowest score. A level that is drawn twice has
    one place, with its newest score. A slot that should receive a replayed level receives a new one if too few levels
    are scored or none is left to replay.

    Args:
      env: the family whose `sample_level` draws new levels.
      config: the settings of the buffer and the replay.
      score: the name of the score, a key of `SCORES`.
      num_slots: N, slots. Each slot holds one ACTIVE level, and `update` must receive the outcome of this level before
        the slot wants another: a level without an outcome stays ACTIVE.
      edit: (key, buffer, new levels [n]) -> levels [n]: replaces some of the new levels before they enter the buffer.

    Raises:
      ConfigError: if the buffer does not suit the number of slots.
    """

    def update(state: PLRState, ids: Array, outcome: LevelOutcome) -> PLRState:
        return record_outcomes(state, ids, SCORES[score].fn(outcome), outcome)

    sample = partial(_sample, env.sample_level, edit, config)
    return around_buffer(env, config, score, num_slots, lambda kept: kept, lambda state: state, sample, update)


def around_buffer(
    env: EnvFamily,
    config: PLRConfig,
    score: str,
    num_slots: int,
    begin: Callable[[PLRState], Any],
    kept: Callable[[Any], PLRState],
    sample: Callable[[Any, Key, Array], tuple[Any, PyTree, Array]],
    update: Callable[[Any, Array, LevelOutcome], Any],
    metrics: Callable[[Any], Metrics] = lambda state: {},
) -> Curriculum:
    """Build a curriculum whose state holds a level buffer.

    Args:
      env: the family of the levels.
      config: the settings of the buffer.
      score: the name of the score, a key of `SCORES`.
      num_slots: N, slots.
      begin: (empty buffer) -> the state at the beginning of a run.
      kept: state -> its buffer.
      sample: of the Curriculum.
      update: of the Curriculum.
      metrics: state -> further metrics than those of the buffer.

    Raises:
      ConfigError: if the buffer does not suit the number of slots.
    """
    check_slots(config, num_slots)

    def init(key: Key, n: int) -> tuple[Any, PyTree, Array]:
        if n > num_slots:
            raise ValueError(f"This curriculum was made for {num_slots} slots: make it with num_slots={n}.")
        zero = jnp.zeros((), jnp.int32)
        buffer = empty(jax.eval_shape(env.sample_level, key), config.buffer_size)
        return sample(begin(PLRState(buffer, inserted=zero, forgotten=zero)), key, jnp.ones((n,), bool))

    def all_metrics(state: Any) -> Metrics:
        own = kept(state)
        return {**plr_metrics(own.buffer, own.inserted, own.forgotten), **metrics(state)}

    return Curriculum(
        name=score,
        needs=SCORES[score].needs,
        init=init,
        sample=sample,
        update=update,
        recall=lambda state, ids: memory_at(kept(state).buffer, ids),
        weight=lambda state, ids: lifetime_weight(config, kept(state), ids),
        metrics=all_metrics,
        top=lambda state, count: top(kept(state).buffer, count),
    )


def _sample(
    sample_level: Callable[[Key], PyTree],
    edit: Edit | None,
    config: PLRConfig,
    state: PLRState,
    key: Key,
    wanted: Array,
) -> tuple[PLRState, PyTree, Array]:
    """Hand out a replayed or a new level to every slot that wants one."""
    coin, replay_key, level_key, edit_key = jax.random.split(key, 4)
    new = jax.vmap(sample_level)(jax.random.split(level_key, wanted.shape[0]))
    if edit is not None:
        new = edit(edit_key, state.buffer, new)
    return hand_out(config, state, coin, replay_key, wanted, new)


def hand_out(
    config: PLRConfig,
    state: PLRState,
    coin: Key,
    replay_key: Key,
    wanted: Array,
    new: PyTree,
    logits: Array | None = None,
    priority: Array | None = None,
    protected: Array | None = None,
) -> tuple[PLRState, PyTree, Array]:
    """Hand out a replayed level, or one of these new levels, to every slot that wants one.

    Args:
      config: the settings of the replay.
      state: the buffer.
      coin: the randomness by which slots receive replayed levels.
      replay_key: the randomness of the replayed levels.
      wanted: bool [n].
      new: leaves [n, ...], one level for each slot.
      logits: of `replay`.
      priority: f32 [B], which ranks levels for replay instead of their scores; None for the scores.
      protected: bool [B]: the levels that are evicted only after all others; None for no level.

    Returns:
      The state, the levels [n] and their ids, int32 [n]; a level that was new has no score yet.
    """
    chosen = jax.random.bernoulli(coin, config.replay_probability, wanted.shape)
    wants_replay = wanted & is_ready(state.buffer, config) & chosen
    ranked = state.buffer if priority is None else dataclasses.replace(state.buffer, score=priority)
    buffer, replay_ids = replay(ranked, config, replay_key, wants_replay, logits)
    buffer = dataclasses.replace(buffer, score=state.buffer.score)
    replayed = replay_ids >= 0
    is_new = wanted & ~replayed
    levels = jax.tree.map(partial(select, replayed), levels_at(buffer, replay_ids), new)
    buffer, new_ids = insert(buffer, new, is_new, protected)
    inserted = state.inserted + jnp.sum(new_ids >= 0, dtype=jnp.int32)
    state = PLRState(activate(buffer, new_ids, is_new), inserted, state.forgotten)
    return state, levels, jnp.where(replayed, replay_ids, new_ids)


def record_outcomes(
    state: PLRState, ids: Array, scores: Array, outcome: LevelOutcome, newest_score: bool = True
) -> PLRState:
    """Record the scores, f32 [n], of finished lifetimes, and count the levels whose score is not finite.

    A level that was drawn twice has one place; `newest_score` says which score it has (see `drop_copies`).
    """
    first = is_unscored(state.buffer, ids)
    memory = LevelMemory(best_return=outcome.best_return, optimal_return=outcome.optimal_return)
    buffer = record(state.buffer, ids, scores, memory, outcome.finished)
    dropped = (state.buffer.status == Status.ACTIVE) & (buffer.status == Status.EMPTY)
    buffer = drop_copies(buffer, ids, outcome.finished, first, newest_score)
    return PLRState(buffer, state.inserted, state.forgotten + jnp.sum(dropped, dtype=jnp.int32))


def lifetime_weight(config: PLRConfig, state: PLRState, ids: Array) -> Array:
    """Return 1, or 0 under robust replay for a level without an earlier score."""
    scored_before = state.buffer.score[ids] > -jnp.inf
    return jnp.where(scored_before | (not config.robust), 1.0, 0.0)
