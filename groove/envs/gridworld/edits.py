"""Small random changes of gridworld levels: edits, and Gaussian noise on their numbers.

ACCEL grows a curriculum by edits (Parker-Holder et al. 2022); MADRID searches for failures by both (Samvelyan et al.
2024).

An edit is one of six kinds, drawn uniformly. An edit that cannot be made leaves the level unchanged. All choices of
cells and objects are uniform::

    toggle a wall     on a cell of the level's own grid that holds neither the start nor an object
    move the start    to a free cell: inside the grid, without wall, start or object
    move an object    to a free cell
    add an object     on a free cell, in the first absent place, if there is one
    remove an object  but never the last one
    redraw an object  its reward, p_terminate and p_respawn

New and redrawn objects have reward U(-1, 1) and the distribution's log-uniform probabilities. Size, time limit and
lifetime stay the same. Walls may cut off objects: the curriculum judges whether a level can be solved.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, log_uniform, uniform_int
from groove.types import Array, Key

EDITS = 5  # edits of one mutation
NOISE = 0.2  # standard deviation of the noise of `perturb`


class _Draws(NamedTuple):
    """All the randomness of one edit, U(0, 1) each."""

    kind: Array  # f32 [1]: which of the six kinds
    cells: Array  # f32 [G * G]: the allowed cell with the largest draw is chosen
    objects: Array  # f32 [O]: the allowed object with the largest draw is chosen
    numbers: Array  # f32 [3]: reward, p_terminate, p_respawn


def mutate(key: Key, level: GridLevel, dist: LevelDistribution, sizes: GridSizes, edits: int) -> GridLevel:
    """Apply random edits one after another; a level that passes `check_level` passes it afterwards, too.

    Args:
      key: the only source of randomness.
      level: one level; vmap batches it.
      dist: gives the ranges of p_terminate and p_respawn of new and redrawn objects; the other fields are ignored.
      sizes: static sizes of the level.
      edits: number of edits.
    """
    u = jax.random.uniform(key, (edits, 1 + sizes.cells + sizes.objects + 3))
    draws = _Draws(*jnp.split(u, [1, 1 + sizes.cells, 1 + sizes.cells + sizes.objects], axis=1))

    def edit(level: GridLevel, draws: _Draws) -> tuple[GridLevel, None]:
        kinds: list[Callable[[], GridLevel]] = [
            lambda: _toggle_wall(level, draws, sizes),
            lambda: _move_start(level, draws),
            lambda: _move_object(level, draws),
            lambda: _add_object(level, draws, dist),
            lambda: _remove_object(level, draws),
            lambda: _redraw_object(level, draws, dist),
        ]
        return jax.lax.switch(uniform_int(draws.kind[0], 0, len(kinds) - 1), kinds), None

    return jax.lax.scan(edit, level, draws)[0]


def perturb(key: Key, level: GridLevel, dist: LevelDistribution, scale: float) -> GridLevel:
    """Add Gaussian noise to the numbers of a level, which stay in the ranges of the distribution.

    Rewards of objects move by `scale` times a normal number. The logarithms of probabilities, of the time limit and of
    a step reward move by `scale` times a normal number and the width of their range. Cells and the lifetime stay.

    Args:
      key: the only source of randomness.
      level: one level; vmap batches it.
      dist: the ranges.
      scale: the standard deviation.
    """
    objects = level.object_cell.shape[0]
    noise = scale * jax.random.normal(key, (3 * objects + 2,))
    for_reward, for_terminate, for_respawn = noise[: 3 * objects].reshape(3, objects)
    for_steps, for_step_reward = noise[3 * objects :]
    exists = level.object_cell >= 0
    p_terminate = _shifted(level.p_terminate, for_terminate, dist.min_terminate, dist.max_terminate)
    p_respawn = _shifted(level.p_respawn, for_respawn, dist.min_respawn, dist.max_respawn)
    steps = _shifted(level.max_steps.astype(jnp.float32), for_steps, dist.min_steps, dist.max_steps)
    magnitude = _shifted(jnp.abs(level.step_reward), for_step_reward, dist.min_step_reward, dist.max_step_reward)
    return dataclasses.replace(
        level,
        object_reward=jnp.where(exists, jnp.clip(level.object_reward + for_reward, -1.0, 1.0), 0.0),
        p_terminate=jnp.where(exists, p_terminate, 0.0),
        p_respawn=jnp.where(exists, p_respawn, 0.0),
        step_reward=jnp.where(level.step_reward == 0, 0.0, jnp.sign(level.step_reward) * magnitude),
        max_steps=jnp.round(steps).astype(jnp.int32),
    )


def wall_cells(level: GridLevel, sizes: GridSizes) -> Array:
    """Return the cells whose wall may be toggled: in the level's own grid, without start or object, bool [G * G]."""
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    return (row < level.size) & (col < level.size) & ~_held(level)


def free_cells(level: GridLevel) -> Array:
    """Return the cells in the level's own grid without wall, start or object, bool [G * G]."""
    return ~level.walls & ~_held(level)


def toggle_wall(level: GridLevel, cell: Array) -> GridLevel:
    """Build a wall on a cell of `wall_cells`, or remove it; change nothing if the cell is out of bounds."""
    return dataclasses.replace(level, walls=level.walls.at[cell].set(~level.walls[cell], mode="drop"))


def _shifted(x: Array, noise: Array, low: float, high: float) -> Array:
    """Move x by noise, as a share of the range on a logarithmic scale; x stays in [low, high]."""
    return jnp.clip(x * (high / low) ** noise, low, high)


def _toggle_wall(level: GridLevel, draws: _Draws, sizes: GridSizes) -> GridLevel:
    return toggle_wall(level, _choose(draws.cells, wall_cells(level, sizes)))


def _move_start(level: GridLevel, draws: _Draws) -> GridLevel:
    return dataclasses.replace(level, start=_choose_free(level, draws, level.start))


def _move_object(level: GridLevel, draws: _Draws) -> GridLevel:
    o = _choose(draws.objects, level.object_cell >= 0)
    cell = _choose_free(level, draws, level.object_cell[o])
    return dataclasses.replace(level, object_cell=level.object_cell.at[o].set(cell, mode="drop"))


def _add_object(level: GridLevel, draws: _Draws, dist: LevelDistribution) -> GridLevel:
    exists = level.object_cell >= 0
    cell = _choose_free(level, draws, jnp.int32(-1))
    possible = ~jnp.all(exists) & (cell >= 0)
    o = jnp.where(possible, jnp.argmin(exists), exists.shape[0])  # the first absent place, or out of bounds
    return _put(level, o, cell, _numbers(draws, dist))


def _remove_object(level: GridLevel, draws: _Draws) -> GridLevel:
    exists = level.object_cell >= 0
    o = jnp.where(jnp.sum(exists) > 1, _choose(draws.objects, exists), exists.shape[0])
    return _put(level, o, jnp.int32(-1), jnp.zeros(3))


def _redraw_object(level: GridLevel, draws: _Draws, dist: LevelDistribution) -> GridLevel:
    o = _choose(draws.objects, level.object_cell >= 0)
    return _put(level, o, level.object_cell[o], _numbers(draws, dist))


def _put(level: GridLevel, o: Array, cell: Array, numbers: Array) -> GridLevel:
    """Set the cell and the numbers of object o; if o is out of bounds, return the level unchanged."""
    reward, p_terminate, p_respawn = numbers
    return dataclasses.replace(
        level,
        object_cell=level.object_cell.at[o].set(cell, mode="drop"),
        object_reward=level.object_reward.at[o].set(reward, mode="drop"),
        p_terminate=level.p_terminate.at[o].set(p_terminate, mode="drop"),
        p_respawn=level.p_respawn.at[o].set(p_respawn, mode="drop"),
    )


def _numbers(draws: _Draws, dist: LevelDistribution) -> Array:
    """Return reward, p_terminate and p_respawn of a new object, f32 [3]."""
    u_reward, u_terminate, u_respawn = draws.numbers
    p_terminate = log_uniform(u_terminate, dist.min_terminate, dist.max_terminate)
    return jnp.stack([2.0 * u_reward - 1.0, p_terminate, log_uniform(u_respawn, dist.min_respawn, dist.max_respawn)])


def _choose(u: Array, allowed: Array) -> Array:
    """Choose an index where `allowed` holds, uniformly, or one out of bounds if none does: writing to it is dropped."""
    index = jnp.argmax(jnp.where(allowed, u, -1.0)).astype(jnp.int32)
    return jnp.where(jnp.any(allowed), index, allowed.shape[0])


def _choose_free(level: GridLevel, draws: _Draws, otherwise: Array) -> Array:
    """Choose a free cell, uniformly, or return `otherwise` if there is none."""
    free = free_cells(level)
    return jnp.where(jnp.any(free), _choose(draws.cells, free), otherwise)


def _held(level: GridLevel) -> Array:
    """Return where a cell holds the start or an object, bool [G * G]; a start out of bounds is on no cell."""
    cells = level.walls.shape[0]
    objects = jnp.where(level.object_cell >= 0, level.object_cell, cells)  # out of bounds: dropped
    return jnp.zeros(cells, bool).at[level.start].set(True, mode="drop").at[objects].set(True, mode="drop")
