"""States of runs as version 0.0 stored them in checkpoints."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jax

from groove.meta.slots import Levels, Lives
from groove.meta.trainer import TrainState
from groove.training.checkpoints.checkpoint import EarlierState
from groove.types import Array, Key, PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Slots:
    """Lifetimes in progress, and their levels; every field has leading axis N."""

    level: PyTree
    level_id: Array
    weight: Array
    student: Any
    critic: Any
    antagonists: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GenerationState:
    """The evolution strategy, and the levels of the next generation."""

    strategy: Any
    level: PyTree
    level_id: Array
    weight: Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """The state of a run; `slots` is None under evolution strategies."""

    eta: Any
    meta: Any  # the state of the optimizer, or a GenerationState
    average: Any
    slots: Slots | None
    curriculum: Any
    key: Key
    step: Array


def is_earlier(names: Collection[str]) -> bool:
    """Return whether the names of a checkpoint's arrays are those of version 0.0."""
    return any(name.startswith("meta/") for name in names)


def to_earlier(state: TrainState) -> State:
    """Return a state in the shape of version 0.0."""
    levels = _fields(state.levels)
    shared = {name: getattr(state, name) for name in ("eta", "average", "curriculum", "key", "step")}
    if isinstance(state.lives, Lives):
        return State(meta=state.optimizer, slots=Slots(**levels, **_fields(state.lives)), **shared)
    return State(meta=GenerationState(state.optimizer, **levels), slots=None, **shared)


def from_earlier(state: State) -> TrainState:
    """Return a state of version 0.0 in today's shape."""
    shared = {name: getattr(state, name) for name in ("eta", "average", "curriculum", "key", "step")}
    holder = state.meta if state.slots is None else state.slots
    levels = Levels(holder.level, holder.level_id, holder.weight)
    if state.slots is None:
        return TrainState(optimizer=state.meta.strategy, levels=levels, lives=(), **shared)
    lives = Lives(state.slots.student, state.slots.critic, state.slots.antagonists)
    return TrainState(optimizer=state.meta, levels=levels, lives=lives, **shared)


def _fields(value: Levels | Lives) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


EARLIER_STATE = EarlierState(matches=is_earlier, to_earlier=to_earlier, from_earlier=from_earlier)
