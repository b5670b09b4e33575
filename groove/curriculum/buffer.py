"""The level buffer: B places, each of which holds a level and says where that level is in its life.

    EMPTY --insert--> FRESH --activate--> ACTIVE --record--> SCORED --activate--> ACTIVE --> ...

A SCORED level may also be evicted, its place going to a FRESH one. One status field says all of it, so a
level that was never evaluated cannot pass for one that scored zero.

Functions are pure and of fixed shape. Rows are chosen by masks: a masked-out row is written nowhere, never to
place 0.
"""

import dataclasses
from dataclasses import dataclass
from enum import IntEnum

import jax
import jax.numpy as jnp

from groove.types import Array, LevelMemory, PyTree


class Status(IntEnum):
    """Where the level of a place is in its life."""

    EMPTY = 0  # no level
    FRESH = 1  # in the buffer, never handed out
    ACTIVE = 2  # being trained on: neither handed out again nor evicted
    SCORED = 3  # evaluated since it was last handed out


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelBuffer:
    """Levels and what is known of them; time is counted in levels handed out."""

    level: PyTree  # leaves [B, ...]
    memory: LevelMemory  # [B]
    score: Array  # f32 [B]: the newest score, -inf before the first; finite wherever SCORED
    status: Array  # int8 [B]: Status
    stamp: Array  # int32 [B]: the clock when last handed out, 0 before the first time
    clock: Array  # int32 []: levels handed out so far

    @property
    def capacity(self) -> int:
        """Places, B."""
        return self.status.shape[0]

    @property
    def scored(self) -> Array:
        """The places whose levels may be replayed or evicted, bool [B]."""
        return self.status == Status.SCORED


def empty(level_example: PyTree, capacity: int) -> LevelBuffer:
    """A buffer without levels.

    Args:
      level_example: one level, or its shapes (as of `jax.eval_shape`).
      capacity: B, places.
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
    """Gives the masked rows, in order, the places of highest priority, none of them twice.

    Args:
      priority: f32 [B], -inf where a place may not be taken; among equals the lower place goes first.
      mask: bool [n], n at most B: the rows that want a place.

    Returns:
      int32 [n]: places; -1 for rows that want none or for which none is left.
    """
    value, place = jax.lax.top_k(priority, mask.shape[0])
    turn = jnp.maximum(jnp.cumsum(mask, dtype=jnp.int32) - 1, 0)
    return jnp.where(mask & (value[turn] > -jnp.inf), place[turn], -1)


def insert(buffer: LevelBuffer, levels: PyTree, mask: Array) -> tuple[LevelBuffer, Array]:
    """Puts levels into EMPTY places and, when those are used up, into those of the lowest-scored levels.

    Only SCORED levels are evicted, never FRESH or ACTIVE ones, and among equal scores first the one handed out longest
    ago. The inserted levels are FRESH.

    Args:
      buffer: of B places.
      levels: leaves [n, ...], n at most B.
      mask: bool [n]: the rows to insert.

    Returns:
      The buffer, and the place of each row, int32 [n]: distinct; -1 for rows masked out or for which no place
      was left.
    """
    order = jnp.lexsort((buffer.stamp, buffer.score))  # the first to go first
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
    """Hands out FRESH and SCORED levels: they become ACTIVE, and the clock moves on by their number.

    Args:
      buffer: of B places.
      ids: int32 [n]: places, distinct where `mask`; -1, and places that are EMPTY or ACTIVE, are ignored.
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
    """Takes ACTIVE levels back with their newest scores, whatever they scored before: they become SCORED.

    A level whose score is not finite is forgotten, its place EMPTY: such a score says that a lifetime broke
    down, not what the level is worth, and would rank above or below all others for good.

    Args:
      buffer: of B places.
      ids: int32 [n]: places, distinct where `mask`; -1, and places that are not ACTIVE, are ignored.
      scores: f32 [n].
      memory: [n], to be remembered of the levels; NaN is nothing new.
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


def levels_at(buffer: LevelBuffer, ids: Array) -> PyTree:
    """The levels of these places, leaves [n, ...]; for ids outside the buffer, any level."""
    return jax.tree.map(lambda leaf: leaf[ids], buffer.level)


def memory_at(buffer: LevelBuffer, ids: Array) -> LevelMemory:
    """What is known of the levels at these places, [n]; blank for ids outside the buffer."""
    known = (ids >= 0) & (ids < buffer.capacity)
    blank = LevelMemory.blank(ids.shape[0])
    return jax.tree.map(lambda leaf, nothing: jnp.where(known, leaf[ids], nothing), buffer.memory, blank)


def top(buffer: LevelBuffer, count: int) -> tuple[PyTree, Array]:
    """The highest-scored levels, those being trained on again included, best first.

    Returns:
      Levels, leaves [count, ...], and scores, f32 [count]: NaN where there are no more.

    Raises:
      ValueError: if `count` is not between 1 and B.
    """
    if not 1 <= count <= buffer.capacity:
        raise ValueError(f"top({count}) of a buffer of {buffer.capacity} levels: ask for 1 to {buffer.capacity}.")
    once_scored = buffer.scored | (buffer.status == Status.ACTIVE)  # -inf where a level has no score yet
    score, place = jax.lax.top_k(jnp.where(once_scored, buffer.score, -jnp.inf), count)
    return levels_at(buffer, place), jnp.where(jnp.isfinite(score), score, jnp.nan)


def _rows(buffer: LevelBuffer, ids: Array, mask: Array) -> Array:
    """Where to scatter to: out of range, which mode="drop" ignores, for masked rows and for negative ids."""
    return jnp.where(mask & (ids >= 0), ids, buffer.capacity)


def _status_of(buffer: LevelBuffer, ids: Array, mask: Array) -> Array:
    return buffer.status.at[_rows(buffer, ids, mask)].get(mode="fill", fill_value=Status.EMPTY)
