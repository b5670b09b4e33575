"""The state of an episode in a gridworld, and the three ways in which agents observe it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, MultiHot
from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.types import Array

Observation: TypeAlias = Literal["index", "features", "planes"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GridState:
    """The state of an episode."""

    row: Array  # int32 []
    col: Array  # int32 []
    present: Array  # int32 []: bit o is set while object o can be collected
    time: Array  # int32 []: environment steps taken
    object_cell: Array | None  # int32 [O], current cells of objects, -1 while absent; None if objects never move


def observation_space(kind: Observation, sizes: GridSizes) -> Discrete | MultiHot | Box:
    """Return the space of the observations that `observe` returns."""
    spaces: dict[str, Discrete | MultiHot | Box] = {
        "index": Discrete(sizes.states),
        "features": MultiHot(sizes.cells + sizes.objects, 1 + sizes.objects),
        "planes": Box((sizes.side, sizes.side, 2 + sizes.objects)),
    }
    return spaces[kind]


def observe(kind: Observation, level: GridLevel, state: GridState, sizes: GridSizes) -> Array:
    """Return what an agent observes of a state.

    Args:
      kind: "index", cell + G * G * (bitmask of the objects present), int32 []; "features", int32 [1 + O], the agent's
        cell and G * G + o for each object o present, -1 for the others; or "planes", f32 [G, G, 2 + O], one plane for
        the agent, one for the walls and one for each object.
      level: the level that is played.
      state: the state of the episode.
      sizes: static sizes of the level.
    """
    if kind == "planes":
        return _planes(level, state, sizes)
    if kind == "features":
        return _features(state, sizes)
    return state.row * sizes.side + state.col + sizes.cells * state.present


def _planes(level: GridLevel, state: GridState, sizes: GridSizes) -> Array:
    cells = level.object_cell if state.object_cell is None else state.object_cell
    visible = (state.present >> jnp.arange(sizes.objects) & 1) == 1
    index = jnp.arange(sizes.cells)[:, None]
    agent = index == state.row * sizes.side + state.col
    planes = jnp.concatenate([agent, level.walls[:, None], index == jnp.where(visible, cells, -1)], axis=1)
    return planes.astype(jnp.float32).reshape(sizes.side, sizes.side, 2 + sizes.objects)


def _features(state: GridState, sizes: GridSizes) -> Array:
    objects = jnp.arange(sizes.objects)
    present = (state.present >> objects & 1) == 1
    agent = state.row * sizes.side + state.col
    return jnp.concatenate([agent[None], jnp.where(present, sizes.cells + objects, -1)])
