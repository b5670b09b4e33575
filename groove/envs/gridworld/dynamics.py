"""Gridworld dynamics: move, collect, respawn, terminate, truncate.

The order within a step is that of the paper's public code:

1. The agent moves; a wall or the edge stops the agent.
2. The agent collects the object on its cell.
3. Objects that were absent at the start of the step may respawn; an object collected in this step may not.
4. Collecting may terminate the episode.
5. The time limit truncates the episode, unless it has terminated.

Objects stay where they are for the lifetime, or move to new cells.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from groove.envs.base import EnvFamily, Step
from groove.envs.gridworld.design import make_design
from groove.envs.gridworld.editor import make_editor
from groove.envs.gridworld.edits import EDITS, NOISE, mutate, perturb
from groove.envs.gridworld.features import describe
from groove.envs.gridworld.levels import (
    EVENT_BITS,
    GridLevel,
    GridSizes,
    LevelDistribution,
    event_threshold,
    moves,
    sample_level,
)
from groove.envs.gridworld.observations import GridState, Observation, observation_space, observe
from groove.envs.gridworld.render import draw_levels
from groove.envs.gridworld.solver import optimal_return
from groove.types import Array, Key
from groove.utils.errors import GrooveError

Noise: TypeAlias = dict[str, tuple[Array, ...]]  # one array per random word, so that a batch of steps is contiguous


def make_gridworld(
    sizes: GridSizes = GridSizes(),  # noqa: B008 (frozen)
    distribution: LevelDistribution = LevelDistribution(),  # noqa: B008 (frozen)
    observation: Observation = "index",
    placement: Literal["fixed", "random"] = "fixed",
    sampler: Callable[[Key], GridLevel] | None = None,
) -> EnvFamily:
    """Build a family of gridworlds.

    Args:
      sizes: static sizes that all levels share.
      distribution: the levels that `sample_level` draws, unless a sampler is given, and the ranges of
        `mutate` and `perturb`.
      observation: "index" for tables, or "features" or "planes" for networks; see `observations.observe`.
      placement: "fixed" keeps start and objects for the lifetime (a tabular level). "random" draws the start and the
        cells of all objects at every reset, and an object's cell whenever it respawns (LPG's random grids).
      sampler: key -> level, instead of levels of `distribution`.

    Raises:
      GrooveError: if the distribution's levels do not fit the sizes, or if placement "random" is combined with an
        observation other than "planes".
    """
    _check(sizes, distribution, observation, placement, sampler)
    moving = placement == "random"

    def reset(level: GridLevel, noise: Noise) -> tuple[GridState, Array]:
        state = _begin(level, noise, sizes, moving)
        return state, observe(observation, level, state, sizes)

    def step(level: GridLevel, state: GridState, action: Array, noise: Noise) -> Step:
        following, reward, terminated = _advance(level, state, action, noise, sizes)
        return Step(
            state=following,
            obs=observe(observation, level, following, sizes),
            reward=reward,
            terminated=terminated,
            truncated=~terminated & (following.time >= level.max_steps),
        )

    return EnvFamily(
        name="gridworld",
        num_actions=len(moves(sizes)),
        observation=observation_space(observation, sizes),
        sample_level=sampler or (lambda key: sample_level(key, distribution, sizes)),
        noise=lambda key, shape: _draw_noise(key, shape, sizes, moving),
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.max_steps,
        optimal_return=None if moving else lambda level: optimal_return(level, sizes),
        mutate=lambda key, level: mutate(key, level, distribution, sizes, EDITS),
        perturb=lambda key, level: perturb(key, level, distribution, NOISE),
        design=None if moving or sampler else make_design(distribution, sizes),
        editor=None if moving or sampler else make_editor(distribution, sizes),
        describe=None if moving else lambda level: describe(level, sizes),
        draw=None if moving else lambda levels, titles, path: draw_levels(levels, titles, sizes, path),
    )


def _check(
    sizes: GridSizes,
    distribution: LevelDistribution,
    observation: Observation,
    placement: str,
    sampler: Callable[[Key], GridLevel] | None,
) -> None:
    if observation != "planes" and placement == "random":
        raise GrooveError(
            'placement "random" needs observation "planes": the other observations do not show where objects are.'
        )
    if sampler is None and (distribution.max_size > sizes.side or distribution.max_objects > sizes.objects):
        raise GrooveError(
            f"levels of side {distribution.max_size} with {distribution.max_objects} objects do not fit "
            f"sizes of side {sizes.side} with {sizes.objects} objects; enlarge the sizes."
        )
    if sampler is None and distribution.max_objects + 1 > distribution.min_size**2:
        raise GrooveError(
            f"a grid of side {distribution.min_size} has no free cell for the start beside {distribution.max_objects} "
            "objects; lower max_objects, or enlarge min_size."
        )


def _draw_noise(key: Key, shape: tuple[int, ...], sizes: GridSizes, moving: bool) -> Noise:
    """Draw the randomness of `shape` steps or resets: words for events, and f32 in [0, 1) for places."""
    event_words = (sizes.objects + 2) // 2  # one 16-bit field an object, one for termination
    words = event_words + (1 + sizes.objects) * moving
    drawn = tuple(jax.random.bits(key, (words, *shape), jnp.uint32))  # one call: each call costs compile time
    places = tuple((word >> 8).astype(jnp.float32) * 2.0**-24 for word in drawn[event_words:])
    return {"events": drawn[:event_words], "places": places}


def _begin(level: GridLevel, noise: Noise, sizes: GridSizes, moving: bool) -> GridState:
    """Return the first state of an episode."""
    exists = level.object_cell >= 0
    start, cells = level.start, None
    if moving:
        start, *drawn = _place(noise["places"], [jnp.bool_(True), *exists], [], level, sizes)
        cells = jnp.stack(drawn)
    row, col = jnp.divmod(start, sizes.side)
    return GridState(row=row, col=col, present=_bits(exists), time=jnp.int32(0), object_cell=cells)


def _advance(
    level: GridLevel, state: GridState, action: Array, noise: Noise, sizes: GridSizes
) -> tuple[GridState, Array, Array]:
    """Return the state after an action, the reward, and whether the episode terminates."""
    row, col = _move(level, state.row, state.col, action, sizes)
    cell = row * sizes.side + col
    *respawn_draws, end_draw = _event_fields(noise["events"])[: sizes.objects + 1]
    cells = level.object_cell if state.object_cell is None else state.object_cell
    collected, reward, terminated = _collect(level, cells, state.present, cell, end_draw)
    returns = [draw < threshold for draw, threshold in zip(respawn_draws, event_threshold(level.p_respawn))]
    respawned = _bits(returns) & ~state.present
    moved = None
    if state.object_cell is not None:
        moved = _respawn_places(level, cells, cell, collected, respawned, noise, sizes)
    time = state.time + 1
    present = state.present & ~collected | respawned
    following = GridState(row=row, col=col, present=present, time=time, object_cell=moved)
    return following, reward + level.step_reward, terminated


def _move(level: GridLevel, row: Array, col: Array, action: Array, sizes: GridSizes) -> tuple[Array, Array]:
    """Return the row and column that an action leads to; a wall or the edge leaves the agent where it is."""
    offset = jnp.asarray(moves(sizes))[action]
    to_row, to_col = row + offset[..., 0], col + offset[..., 1]
    inside = (to_row >= 0) & (to_row < sizes.side) & (to_col >= 0) & (to_col < sizes.side)
    blocked = ~inside | level.walls[jnp.where(inside, to_row * sizes.side + to_col, 0)]
    return jnp.where(blocked, row, to_row), jnp.where(blocked, col, to_col)


# The functions below loop over objects in Python: flat integer arithmetic fuses into one loop over the batch, whereas
# arrays with an axis of five objects would be materialised several times a step.


def _bits(flags: Iterable[Array]) -> Array:
    """Pack booleans into an int32, the first in the lowest bit."""
    return functools.reduce(jnp.bitwise_or, [flag.astype(jnp.int32) << o for o, flag in enumerate(flags)])


def _event_fields(words: tuple[Array, ...]) -> list[Array]:
    """Return the 16-bit draws of one step: one for each object, then one for termination."""
    return [word >> shift & 0xFFFF for word in words for shift in (0, EVENT_BITS)]


def _collect(level: GridLevel, cells: Array, present: Array, cell: Array, draw: Array) -> tuple[Array, Array, Array]:
    """Collect the object on the agent's cell: (bit of the object, reward, whether the episode ends)."""
    here = [object_cell == cell for object_cell in cells]
    collected = _bits(here) & present
    reward, threshold = jnp.float32(0), jnp.uint32(0)
    for o, is_here in enumerate(here):  # a cell holds at most one object
        reward = jnp.where(is_here, level.object_reward[o], reward)
        threshold = jnp.where(is_here, event_threshold(level.p_terminate[o]), threshold)
    any_collected = collected != 0
    return collected, jnp.where(any_collected, reward, 0.0), any_collected & (draw < threshold)


def _place(
    places: tuple[Array, ...], wanted: list[Array], occupied: list[Array], level: GridLevel, sizes: GridSizes
) -> list[Array]:
    """Draw distinct cells one after another, uniformly among free cells: neither wall, occupied nor drawn before.

    Args:
      places: f32 [] in [0, 1) each, the randomness of one draw.
      wanted: bool [] each; an unwanted draw takes no cell and returns -1.
      occupied: int32 [] each, distinct cells outside walls; -1 stands for no cell.
      level: the level that is played.
      sizes: static sizes of the level.
    """
    index = jnp.arange(sizes.cells)
    free = jnp.cumsum(~level.walls)  # free[c]: free cells among 0 .. c
    for cell in occupied:
        free = free - ((cell >= 0) & (index >= cell))
    drawn = []
    for place, want in zip(places, wanted):
        rank = jnp.floor(place * free[-1]).astype(jnp.int32)
        cell = jnp.where(want, jnp.sum(free <= rank, dtype=jnp.int32), -1)
        free = free - ((cell >= 0) & (index >= cell))
        drawn.append(cell)
    return drawn


def _respawn_places(
    level: GridLevel,
    cells: Array,
    cell: Array,
    collected: Array,
    respawned: Array,
    noise: Noise,
    sizes: GridSizes,
) -> Array:
    """Return the cells of objects after a step, int32 [O]: new cells for respawned objects, -1 for collected ones."""
    objects = jnp.arange(sizes.objects)
    occupied = jnp.where(cells == cell, -1, cells)  # the agent's own cell counts once
    wanted = (respawned >> objects & 1) == 1
    drawn = _place(noise["places"][1:], list(wanted), [cell, *occupied], level, sizes)
    kept = jnp.where((collected >> objects & 1) == 1, -1, cells)
    return jnp.where(wanted, jnp.stack(drawn), kept)
