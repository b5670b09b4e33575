"""Gridworld dynamics: move, collect, respawn, terminate, time limit; objects fixed for the level or moving.

Order within a step, as in GROOVE's code: the agent moves (a wall or the edge stops it), collects what lies on
its cell, objects absent at the start of the step may respawn (so what is collected now cannot return now),
collecting may end the episode, and last comes the time limit, which truncates and is told apart from
termination.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, MultiHot, Step
from groove.envs.gridworld.edits import mutate
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
from groove.envs.gridworld.solver import optimal_return
from groove.types import Array, Key

Noise: TypeAlias = dict[str, tuple[Array, ...]]  # one array a random word, so that a batch of steps is contiguous


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GridState:
    """Where an episode stands."""

    row: Array  # int32 []
    col: Array  # int32 []
    present: Array  # int32 []: bit o is set while object o can be collected
    time: Array  # int32 []: steps taken
    object_cell: Array | None  # int32 [O], where objects are now, -1 while absent; None where they never move


def move(level: GridLevel, row: Array, col: Array, action: Array, sizes: GridSizes) -> tuple[Array, Array]:
    """Where an action leads from (row, col): a wall or the edge leaves the agent where it is."""
    offset = jnp.asarray(moves(sizes))[action]
    to_row, to_col = row + offset[..., 0], col + offset[..., 1]
    inside = (to_row >= 0) & (to_row < sizes.side) & (to_col >= 0) & (to_col < sizes.side)
    blocked = ~inside | level.walls[jnp.where(inside, to_row * sizes.side + to_col, 0)]
    return jnp.where(blocked, row, to_row), jnp.where(blocked, col, to_col)


# The functions below loop over objects in Python: flat integer arithmetic fuses into one loop over the batch,
# where an axis of five objects would be materialised several times a step.


def _bits(flags: Iterable[Array]) -> Array:
    """Packs booleans into an int32, the first one lowest."""
    return functools.reduce(jnp.bitwise_or, [flag.astype(jnp.int32) << o for o, flag in enumerate(flags)])


def _event_fields(words: tuple[Array, ...]) -> list[Array]:
    """The 16-bit draws of one step: one an object, then one for termination."""
    return [word >> shift & 0xFFFF for word in words for shift in (0, EVENT_BITS)]


def _collect(level: GridLevel, cells: Array, present: Array, cell: Array, draw: Array) -> tuple[Array, Array, Array]:
    """What the agent collects on its cell: (bit of the object, reward, whether the episode ends)."""
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
    """Cells drawn for the wanted ones in turn, uniformly among those neither wall, occupied nor drawn before.

    Args:
      places: f32 [] in [0, 1) each, the randomness of one draw.
      wanted: bool [] each; an unwanted draw takes no cell and returns -1.
      occupied: int32 [] each, distinct cells outside walls; -1 is none.
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


def _planes(level: GridLevel, state: GridState, sizes: GridSizes) -> Array:
    """The agent, the walls and each object that is present, as f32 [S, S, 2 + O]."""
    cells = level.object_cell if state.object_cell is None else state.object_cell
    visible = (state.present >> jnp.arange(sizes.objects) & 1) == 1
    index = jnp.arange(sizes.cells)[:, None]
    agent = index == state.row * sizes.side + state.col
    planes = jnp.concatenate([agent, level.walls[:, None], index == jnp.where(visible, cells, -1)], axis=1)
    return planes.astype(jnp.float32).reshape(sizes.side, sizes.side, 2 + sizes.objects)


def _features(state: GridState, sizes: GridSizes) -> Array:
    """The agent's cell, and each object that is present, which never moves: int32 [1 + O]."""
    objects = jnp.arange(sizes.objects)
    present = (state.present >> objects & 1) == 1
    agent = state.row * sizes.side + state.col
    return jnp.concatenate([agent[None], jnp.where(present, sizes.cells + objects, -1)])


def _respawn_places(
    level: GridLevel,
    cells: Array,
    cell: Array,
    collected: Array,
    respawned: Array,
    noise: Noise,
    sizes: GridSizes,
) -> Array:
    """Object cells after a step, int32 [O]: what respawned is placed anew, what was collected is nowhere."""
    objects = jnp.arange(sizes.objects)
    occupied = jnp.where(cells == cell, -1, cells)  # the agent's own cell counts once
    wanted = (respawned >> objects & 1) == 1
    drawn = _place(noise["places"][1:], list(wanted), [cell, *occupied], level, sizes)
    kept = jnp.where((collected >> objects & 1) == 1, -1, cells)
    return jnp.where(wanted, jnp.stack(drawn), kept)


def make_gridworld(
    sizes: GridSizes = GridSizes(),  # noqa: B008 (frozen)
    distribution: LevelDistribution = LevelDistribution(),  # noqa: B008 (frozen)
    observation: Literal["index", "features", "planes"] = "index",
    placement: Literal["fixed", "random"] = "fixed",
    sampler: Callable[[Key], GridLevel] | None = None,
    edits: int = 5,
) -> EnvFamily:
    """Builds a family of gridworlds.

    Args:
      sizes: static sizes shared by all its levels.
      distribution: what `sample_level` draws from, unless a sampler is given, and `mutate` takes its ranges from.
      observation: "index", cell + S * S * (bitmask of objects present), int32, for tables; "features", int32 [1 + O],
        the agent's cell and S * S + o for each object o that is present, for networks; or "planes", f32 [S, S, 2 + O]:
        the agent, the walls, and one plane for each object that is present.
      placement: "fixed" objects and start (a tabular level), or "random": the start is drawn each episode,
        objects are placed on free cells at each reset and again whenever they respawn (LPG's random grids).
      sampler: draws levels instead of `distribution`, for named sets.
      edits: random edits of one `mutate`.

    Raises:
      ValueError: when the distribution's levels do not fit the sizes, or an index is asked of moving objects.
    """
    if observation != "planes" and placement == "random":
        raise ValueError('placement "random" needs observation "planes": no other one says where objects are.')
    if sampler is None and (distribution.max_size > sizes.side or distribution.max_objects > sizes.objects):
        raise ValueError(
            f"levels of side {distribution.max_size} with {distribution.max_objects} objects do not fit "
            f"sizes of side {sizes.side} with {sizes.objects} objects; enlarge the sizes."
        )
    spaces: dict[str, Discrete | MultiHot | Box] = {
        "index": Discrete(sizes.states),
        "features": MultiHot(sizes.cells + sizes.objects, 1 + sizes.objects),
        "planes": Box((sizes.side, sizes.side, 2 + sizes.objects)),
    }
    event_words = (sizes.objects + 2) // 2  # one 16-bit field an object, one for termination
    moving = placement == "random"

    def noise(key: Key, shape: tuple[int, ...]) -> Noise:
        words = event_words + (1 + sizes.objects) * moving
        drawn = tuple(jax.random.bits(key, (words, *shape), jnp.uint32))  # one draw: each costs time to compile
        places = tuple((word >> 8).astype(jnp.float32) * 2.0**-24 for word in drawn[event_words:])
        return {"events": drawn[:event_words], "places": places}

    def observe(level: GridLevel, state: GridState) -> Array:
        if observation == "planes":
            return _planes(level, state, sizes)
        if observation == "features":
            return _features(state, sizes)
        return state.row * sizes.side + state.col + sizes.cells * state.present

    def reset(level: GridLevel, noise: Noise) -> tuple[GridState, Array]:
        exists = level.object_cell >= 0
        start, cells = level.start, None
        if moving:
            start, *drawn = _place(noise["places"], [jnp.bool_(True), *exists], [], level, sizes)
            cells = jnp.stack(drawn)
        row, col = jnp.divmod(start, sizes.side)
        state = GridState(row=row, col=col, present=_bits(exists), time=jnp.int32(0), object_cell=cells)
        return state, observe(level, state)

    def step(level: GridLevel, state: GridState, action: Array, noise: Noise) -> Step:
        row, col = move(level, state.row, state.col, action, sizes)
        cell = row * sizes.side + col
        *respawn_draws, end_draw = _event_fields(noise["events"])[: sizes.objects + 1]
        cells = level.object_cell if state.object_cell is None else state.object_cell
        collected, reward, terminated = _collect(level, cells, state.present, cell, end_draw)
        returns = [draw < threshold for draw, threshold in zip(respawn_draws, event_threshold(level.p_respawn))]
        respawned = _bits(returns) & ~state.present
        moved = _respawn_places(level, cells, cell, collected, respawned, noise, sizes) if moving else None

        time = state.time + 1
        present = state.present & ~collected | respawned
        following = GridState(row=row, col=col, present=present, time=time, object_cell=moved)
        return Step(
            state=following,
            obs=observe(level, following),
            reward=reward + level.step_reward,
            terminated=terminated,
            truncated=~terminated & (time >= level.max_steps),
        )

    return EnvFamily(
        name="gridworld",
        num_actions=len(moves(sizes)),
        observation=spaces[observation],
        sample_level=sampler or (lambda key: sample_level(key, distribution, sizes)),
        noise=noise,
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.max_steps,
        optimal_return=None if moving else lambda level: optimal_return(level, sizes),
        mutate=lambda key, level: mutate(key, level, distribution, sizes, edits),
        describe=None if moving else lambda level: describe(level, sizes),
    )
