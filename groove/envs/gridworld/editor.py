"""Gridworlds built by one placement after another: the start, then the objects, then the walls (Dennis et al. 2020).

A random level is drawn first. Its size, the numbers of its objects, its limits and its number of walls stay; all places
are forgotten and chosen anew. A placement is an edit of `groove.envs.gridworld.edits`::

    placement 0            moves the start to a free cell
    placements 1 .. M      move object 1 .. M to a free cell, where M is the largest number of objects
    later placements       toggle a wall on a cell of the level's own grid that holds neither the start nor an object

The number of placements that toggle walls is the random level's number of walls. A wall that is toggled twice is gone,
so that the built level may have fewer walls. Apart from this, uniform choices among the allowed cells build random
levels.
"""

import dataclasses
import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.envs.base import Editor
from groove.envs.gridworld.design import make_design
from groove.envs.gridworld.edits import free_cells, toggle_wall, wall_cells
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.types import Array, Key

_PENDING = -2  # the cell of an object that is not placed yet; -1 is an object that the level does not have
_CONTEXT = 11  # numbers of an observation beside its planes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draft:
    """A level in the making; a start that is not placed yet is on cell G * G, out of bounds."""

    level: GridLevel
    walls: Array  # int32 []: placements of walls, from the first to the last


def make_editor(dist: LevelDistribution, sizes: GridSizes) -> Editor:
    """Build the editor of random gridworlds.

    Args:
      dist: the levels whose places are chosen anew; up to twice `dist.walls` walls, as in designed levels.
      sizes: static sizes that hold every level of `dist`.
    """
    design = make_design(dist, sizes)
    before_walls = 1 + dist.max_objects

    def begin(key: Key) -> Draft:
        level = design.make(jax.random.uniform(key, (design.draws,)))
        return Draft(_cleared(level, sizes), jnp.sum(level.walls & _inside(level, sizes), dtype=jnp.int32))

    def again(level: GridLevel, choices: Array) -> Draft:
        return Draft(_cleared(level, sizes), jnp.sum(choices[before_walls:] >= 0, dtype=jnp.int32))

    def allowed(draft: Draft, t: Array) -> Array:
        for_object = free_cells(draft.level) & _is_pending(draft.level, t)
        for_wall = wall_cells(draft.level, sizes) & (t - before_walls < draft.walls)
        return jnp.where(t < before_walls, for_object, for_wall)

    def place(draft: Draft, t: Array, choice: Array) -> Draft:
        level, chosen, is_object = draft.level, choice >= 0, (t > 0) & (t < before_walls)
        moved = dataclasses.replace(
            level,
            start=jnp.where(chosen & (t == 0), choice, level.start),
            object_cell=level.object_cell.at[jnp.where(chosen & is_object, t - 1, sizes.objects)].set(
                choice, mode="drop"
            ),
        )
        wall = jnp.where(chosen & (t >= before_walls), choice, sizes.cells)
        return dataclasses.replace(draft, level=toggle_wall(moved, wall))

    def observe(draft: Draft, t: Array) -> Array:
        walls_left = draft.walls - jnp.maximum(t - before_walls, 0)
        return _observation(draft.level, t, walls_left, before_walls, dist, sizes)

    return Editor(
        placements=before_walls + min(2 * dist.walls, dist.max_size**2),
        cells=sizes.cells,
        width=4 * sizes.cells + _CONTEXT,
        begin=begin,
        again=again,
        allowed=allowed,
        place=place,
        observe=observe,
        finish=lambda draft: draft.level,
    )


def _inside(level: GridLevel, sizes: GridSizes) -> Array:
    """Return which cells belong to the level's own grid, bool [G * G]."""
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    return (row < level.size) & (col < level.size)


def _cleared(level: GridLevel, sizes: GridSizes) -> GridLevel:
    """Return the level with nothing placed."""
    return dataclasses.replace(
        level,
        walls=~_inside(level, sizes),
        start=jnp.int32(sizes.cells),
        object_cell=jnp.where(level.object_cell == -1, -1, _PENDING),
    )


def _is_pending(level: GridLevel, t: Array) -> Array:
    """Return whether placement t, the start's or an object's, places something that the level has, bool []."""
    o = jnp.clip(t - 1, 0, level.object_cell.shape[0] - 1)
    return (t == 0) | (level.object_cell[o] == _PENDING)


def _observation(
    level: GridLevel, t: Array, walls_left: Array, before_walls: int, dist: LevelDistribution, sizes: GridSizes
) -> Array:
    """Return planes of walls, start, objects and their rewards, what is placed next, and what stays, f32 [width]."""
    cell = jnp.where(level.object_cell >= 0, level.object_cell, sizes.cells)  # out of bounds: dropped
    nothing = jnp.zeros(sizes.cells)
    planes = [
        level.walls,
        nothing.at[level.start].set(1.0, mode="drop"),
        nothing.at[cell].set(1.0, mode="drop"),
        nothing.at[cell].set(level.object_reward, mode="drop"),
    ]
    is_object = (t > 0) & (t < before_walls)
    o = jnp.clip(t - 1, 0, sizes.objects - 1)
    own = [jnp.where(is_object, x[o], 0.0) for x in (level.object_reward, level.p_terminate, level.p_respawn)]
    context = [
        t == 0,
        is_object,
        t >= before_walls,
        *own,
        walls_left / max(2 * dist.walls, 1),
        jnp.sum(level.object_cell == _PENDING) / dist.max_objects,
        level.size / sizes.side,
        jnp.log(level.max_steps) / math.log(dist.max_steps + 1),
        level.step_reward,
    ]
    return jnp.concatenate([*planes, jnp.stack([jnp.asarray(x, jnp.float32) for x in context])])
