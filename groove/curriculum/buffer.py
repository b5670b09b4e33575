"""The level buffer: B places, each with a level, its score and its status.

The status of a place changes as follows::

    EMPTY --insert--> FRESH --activate--> ACTIVE --record--> SCORED --activate--> ACTIVE --> ...

In addition, `insert` may evict a SCORED level and put a FRESH one into its place. The status is a field of its own, so
a level without a score cannot be mistaken for a level with score zero.

All functions are pure and have fixed shapes. Masks choose rows: a row outside the mask is not written to any place.
"""

import dataclasses
from dataclasses import dataclass
from enum import IntEnum

import jax
import jax.numpy as jnp

from groove.curriculum.identity import content_hash
from groove.types import Array, LevelMemory, PyTree


class Status(IntEnum):
    """The status of a place."""

    EMPTY = 0  # no level
    FRESH = 1  # inserted, not handed out yet
    ACTIVE = 2  # in training: neither handed out again nor evicted
    SCORED = 3  # has the score of its last lifetime; may be replayed or evicted


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelBuffer:
    """B levels with their scores; the clock counts levels handed out."""

    level: PyTree  # leaves [B, ...]
    memory: LevelMemory  # [B]
    score: Array  # f32 [B]: the newest score, -inf before the first; finite where SCORED
    status: Array  # int8 [B]: Status
    stamp: Array  # int32 [B]: the clock at the last hand-out, 0 before the first
    clock: Array  # int32 []: levels handed out so far

    @property
    def capacity(self) -> int:
        """The number of places, B."""
        return self.status.shape[0]

    @property
    def scored(self) -> Array:
        """The places with levels that may be replayed or evicted, bool [B]."""
        return self.status == Status.SCORED


def empty(level_example: PyTree, capacity: int) -> LevelBuffer:
    """Build a buffer of EMPTY places.

    Args:
      level_example: one level, or its shapes as `jax.eval_shape` returns them.
      capacity: B, the number of places.
    """
    return LevelBuffer(
        level=jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), level_example),
        memory=LevelMemory.blank(capacity),
        score=jnp.full((capacity,), -jnp.inf, jnp.float32),
        status=jnp.full((capacity,), Status.EMPTY, jnp.int8),
        stamp=jnp.zeros((capacity,), jnp.int32),
        clock=jnp.zeros((), jnp.int32),
    )


def best_places(priority: Array, mask: Array) -> Array:
    """Assign the places of highest priority to the masked rows, in order and each place once.

    Args:
      priority: f32 [B], -inf for a place that may not be assigned; among equal priorities the lower place is first.
      mask: bool [n], n at most B: the rows that want a place.

    Returns:
      int32 [n]: places; -1 for rows outside the mask and for rows without a place left.
    """
    value, place = jax.lax.top_k(priority, mask.shape[0])
    turn = jnp.maximum(jnp.cumsum(mask, dtype=jnp.int32) - 1, 0)
    return jnp.where(mask & (value[turn] > -jnp.inf), place[turn], -1)


def insert(
    buffer: LevelBuffer, levels: PyTree, mask: Array, protected: Array | None = None
) -> tuple[LevelBuffer, Array]:
    """Put levels into EMPTY places first, then into the places of the SCORED levels with the lowest scores.

    Among equal scores, the level with the oldest hand-out is evicted first. FRESH and ACTIVE levels are never evicted.
    The inserted levels are FRESH.

    Args:
      buffer: B places.
      levels: leaves [n, ...], n at most B.
      mask: bool [n]: the rows to insert.
      protected: bool [B]: the levels that are evicted only after all others; None for no level.

    Returns:
      The buffer, and the place of each row, int32 [n]: distinct places; -1 for rows outside the mask and for rows
      without a place left.
    """
    last = () if protected is None else (protected,)
    order = jnp.lexsort((buffer.stamp, buffer.score, *last))  # the first place is evicted first
    turn = jnp.zeros(buffer.capacity, jnp.int32).at[order].set(jnp.arange(buffer.capacity, dtype=jnp.int32))
    evictable = jnp.where(buffer.scored, -turn.astype(jnp.float32), -jnp.inf)
    ids = best_places(jnp.where(buffer.status == Status.EMPTY, jnp.inf, evictable), mask)
    rows = _rows(buffer, ids, mask)
    inserted = dataclasses.replace(
        buffer,
        level=jax.tree.map(lambda old, new: old.at[rows].set(new, mode="drop"), buffer.level, levels),
        memory=jax.tree.map(
            lambda old, new: old.at[rows].set(new, mode="drop"), buffer.memory, LevelMemory.blank(ids.shape[0])
        ),
        score=buffer.score.at[rows].set(-jnp.inf, mode="drop"),
        status=buffer.status.at[rows].set(Status.FRESH, mode="drop"),
        stamp=buffer.stamp.at[rows].set(0, mode="drop"),
    )
    return inserted, ids


def activate(buffer: LevelBuffer, ids: Array, mask: Array) -> LevelBuffer:
    """Hand out FRESH and SCORED levels: make them ACTIVE and advance the clock by their number.

    Args:
      buffer: B places.
      ids: int32 [n]: places, distinct where `mask`; -1 and places that are EMPTY or ACTIVE are ignored.
      mask: bool [n]: the rows to hand out.
    """
    status = _status_of(buffer, ids, mask)
    allowed = (status == Status.FRESH) | (status == Status.SCORED)
    rows = _rows(buffer, ids, mask & allowed)
    clock = buffer.clock + jnp.sum(mask & allowed, dtype=jnp.int32)
    return dataclasses.replace(
        buffer,
        status=buffer.status.at[rows].set(Status.ACTIVE, mode="drop"),
        stamp=buffer.stamp.at[rows].set(clock, mode="drop"),
        clock=clock,
    )


def record(buffer: LevelBuffer, ids: Array, scores: Array, memory: LevelMemory, mask: Array) -> LevelBuffer:
    """Replace the scores of ACTIVE levels by their newest scores and make the levels SCORED.

    A level whose score is not finite is dropped and its place becomes EMPTY. Such a score comes from a lifetime that
    broke down. It does not measure the level, and would rank above or below all other scores forever.

    Args:
      buffer: B places.
      ids: int32 [n]: places, distinct where `mask`; -1 and places that are not ACTIVE are ignored.
      scores: f32 [n].
      memory: [n]: what the lifetimes recorded on the levels; NaN keeps the earlier value.
      mask: bool [n]: the rows to record.
    """
    rows = _rows(buffer, ids, mask & (_status_of(buffer, ids, mask) == Status.ACTIVE))
    finite = jnp.isfinite(scores)
    status = jnp.where(finite, Status.SCORED, Status.EMPTY).astype(buffer.status.dtype)
    return dataclasses.replace(
        buffer,
        memory=jax.tree.map(
            lambda old, new: old.at[rows].set(jnp.where(jnp.isnan(new), old[ids], new), mode="drop"),
            buffer.memory,
            memory,
        ),
        score=buffer.score.at[rows].set(jnp.where(finite, scores, -jnp.inf), mode="drop"),
        status=buffer.status.at[rows].set(status, mode="drop"),
    )


def drop_copies(buffer: LevelBuffer, ids: Array, mask: Array, first: Array, newest_score: bool = True) -> LevelBuffer:
    """Keep one place for each level: drop places whose first lifetime ended on a level that another place holds.

    A level may be drawn again, for instance from a small set of levels. The place that had a score before stays, with
    whatever else a curriculum keeps for this place. If none had a score before, the place of the first row stays.

    Args:
      buffer: B places, after `record`.
      ids: int32 [n]: the places that were recorded.
      mask: bool [n]: the rows that were recorded.
      first: bool [n]: the rows whose level had no score before.
      newest_score: whether the place that stays gets the score of the place that is dropped; it always gets the higher
        of both best returns, and the later stamp.
    """
    recorded = mask & (_status_of(buffer, ids, mask) == Status.SCORED)
    content, last = content_hash(buffer.level), jnp.int32(ids.shape[0])
    row = jnp.arange(ids.shape[0], dtype=jnp.int32)
    # the turn of a place: -1 if it had a score before, otherwise the row in which its first lifetime ended
    turn = jnp.where(buffer.score > -jnp.inf, jnp.int32(-1), last)
    turn = turn.at[_rows(buffer, ids, recorded & first)].set(row, mode="drop")
    equal = (content[ids][:, None] == content[None]).all(-1) & (turn < last)  # [n, B]
    stays = jnp.argmin(jnp.where(equal, turn, last), axis=1).astype(jnp.int32)  # [n]: the place of each row's level
    dropped = recorded & first & (stays != ids)
    into = _rows(buffer, stays, dropped)
    own = jax.tree.map(lambda x: x[ids], (buffer.memory.best_return, buffer.stamp))
    best = buffer.memory.best_return.at[into].max(own[0], mode="drop")
    stamp = buffer.stamp.at[into].max(own[1], mode="drop")
    score = buffer.score
    if newest_score:  # of the first row, where several are dropped
        source = jnp.full(buffer.capacity, last).at[into].min(row, mode="drop")
        replaced = (source < last) & buffer.scored & (turn == -1)
        score = jnp.where(replaced, buffer.score[ids[jnp.minimum(source, last - 1)]], score)
    rows = _rows(buffer, ids, dropped)
    return dataclasses.replace(
        buffer,
        memory=dataclasses.replace(buffer.memory, best_return=best),
        score=score.at[rows].set(-jnp.inf, mode="drop"),
        status=buffer.status.at[rows].set(Status.EMPTY, mode="drop"),
        stamp=stamp,
    )


def is_unscored(buffer: LevelBuffer, ids: Array) -> Array:
    """Return whether these places are in the buffer and had no score yet, bool [n]; false for negative ids."""
    return (ids >= 0) & (buffer.score[ids] == -jnp.inf)


def levels_at(buffer: LevelBuffer, ids: Array) -> PyTree:
    """Return the levels of these places, leaves [n, ...]; arbitrary levels for ids outside the buffer."""
    return jax.tree.map(lambda leaf: leaf[ids], buffer.level)


def memory_at(buffer: LevelBuffer, ids: Array) -> LevelMemory:
    """Return what earlier lifetimes recorded on the levels of these places, [n]; blank for ids outside the buffer."""
    known = (ids >= 0) & (ids < buffer.capacity)
    blank = LevelMemory.blank(ids.shape[0])
    return jax.tree.map(lambda leaf, nothing: jnp.where(known, leaf[ids], nothing), buffer.memory, blank)


def top(buffer: LevelBuffer, count: int) -> tuple[PyTree, Array]:
    """Return the levels of the highest scores, best first; ACTIVE levels with an earlier score are included.

    Args:
      buffer: B places.
      count: the number of levels to return.

    Returns:
      Levels, leaves [count, ...], and scores, f32 [count]: NaN for rows without a level.

    Raises:
      ValueError: if `count` is not between 1 and B.
    """
    if not 1 <= count <= buffer.capacity:
        raise ValueError(f"top({count}) of a buffer of {buffer.capacity} levels: choose 1 to {buffer.capacity}.")
    may_have_score = buffer.scored | (buffer.status == Status.ACTIVE)  # -inf where a level has no score yet
    score, place = jax.lax.top_k(jnp.where(may_have_score, buffer.score, -jnp.inf), count)
    return levels_at(buffer, place), jnp.where(jnp.isfinite(score), score, jnp.nan)


def _rows(buffer: LevelBuffer, ids: Array, mask: Array) -> Array:
    """Return the places to write; B, which mode="drop" ignores, for rows outside the mask and negative ids."""
    return jnp.where(mask & (ids >= 0), ids, buffer.capacity)


def _status_of(buffer: LevelBuffer, ids: Array, mask: Array) -> Array:
    """Return the status of each row's place, int8 [n]; EMPTY for rows outside the mask and negative ids."""
    return buffer.status.at[_rows(buffer, ids, mask)].get(mode="fill", fill_value=Status.EMPTY)
