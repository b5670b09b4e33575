"""Gridworld dynamics: move, collect, respawn, terminate, time limit; objects fixed for the level or placed anew.

Order within a step, as in GROOVE's code: the agent moves (a wall or the edge stops it), collects what lies on its cell,
objects absent at the start of the step may respawn (so what is collected now cannot return now), collecting may end the
episode, and last comes the time limit, which truncates and is told apart from termination.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, sample_level
from groove.types import Array, Key

# (row, column) of up, right, down, left, stay, and of the diagonals that nine actions add before stay.
_MOVES = {
    False: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (0, 0)], np.int32),
    True: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1), (0, 0)], np.int32),
}
_EVENT_BITS = 16  # a probability is resolved to 2**-16; six events of a step share three random words


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GridState:
    """Where an episode stands."""

    row: Array  # int32 []
    col: Array  # int32 []
    present: Array  # int32 []: bit o is set while object o can be collected
    time: Array  # int32 []: steps taken
    object_cell: Array | None  # int32 [O], where objects are now; None where they never move


def moves(sizes: GridSizes) -> np.ndarray:
    """(row, column) offsets of each action: int32 [A, 2]."""
    return _MOVES[sizes.diagonal]


def event_threshold(p: Array) -> Array:
    """The integer below which a 16-bit draw makes an event of probability p happen; exact at 0 and 1."""
    return jnp.round(p * 2.0**_EVENT_BITS).astype(jnp.uint32)


def make_gridworld(
    sizes: GridSizes = GridSizes(),
    distribution: LevelDistribution = LevelDistribution(),
    observation: Literal["index", "planes"] = "index",
    placement: Literal["fixed", "random"] = "fixed",
    sampler: Callable[[Key], GridLevel] | None = None,
) -> EnvFamily:
    """Builds a family of gridworlds.

    Args:
      sizes: static sizes shared by all its levels.
      distribution: what `sample_level` draws from, unless a sampler is given.
      observation: "index", cell + S * S * (bitmask of objects present), int32; or "planes", f32 [S, S, 2 + O]: the
        agent, the walls, and one plane for each object that is present.
      placement: "fixed" objects and start (a tabular level), or "random": the start is drawn each episode, objects are
        placed on free cells at each reset and again whenever they respawn (LPG's random grids).
      sampler: draws levels instead of `distribution`, for named sets.

    Raises:
      ValueError: when the distribution's levels do not fit the sizes, or an index is asked of moving objects.
    """
    if observation == "index" and placement == "random":
        raise ValueError('placement "random" needs observation "planes": an index does not say where objects are.')
    if sampler is None and (distribution.max_size > sizes.side or distribution.max_objects > sizes.objects):
        raise ValueError(
            f"levels of side {distribution.max_size} with {distribution.max_objects} objects do not fit "
            f"sizes of side {sizes.side} with {sizes.objects} objects; enlarge the sizes."
        )
    offsets = moves(sizes)
    objects = jnp.arange(sizes.objects)
    event_words = (sizes.objects + 2) // 2  # one 16-bit field an object, one for termination

    def noise(key: Key, shape: tuple[int, ...]) -> dict[str, Array]:
        events = jax.random.bits(key, (*shape, event_words), jnp.uint32)
        if placement == "fixed":
            return {"events": events}
        places = jax.random.uniform(jax.random.fold_in(key, 1), (*shape, sizes.cells))
        return {"events": events, "places": places}

    def observe(level: GridLevel, state: GridState) -> Array:
        cell = state.row * sizes.side + state.col
        if observation == "index":
            return cell + sizes.cells * state.present
        planes = jnp.zeros((2 + sizes.objects, sizes.cells), jnp.float32)
        planes = planes.at[0, cell].set(1.0).at[1].set(level.walls.astype(jnp.float32))
        visible = (state.present >> objects & 1).astype(jnp.float32)
        cells = level.object_cell if state.object_cell is None else state.object_cell
        planes = planes.at[2 + objects, jnp.maximum(cells, 0)].add(visible)
        return planes.T.reshape(sizes.side, sizes.side, 2 + sizes.objects)

    def draw_cells(places: Array, blocked: Array, count: int) -> Array:
        """`count` distinct cells, uniformly among those not blocked."""
        return jax.lax.top_k(jnp.where(blocked, -1.0, places), count)[1].astype(jnp.int32)

    def reset(level: GridLevel, noise: dict[str, Array]) -> tuple[GridState, Array]:
        exists = level.object_cell >= 0
        start, cells = level.start, level.object_cell
        if placement == "random":
            drawn = draw_cells(noise["places"], level.walls, 1 + sizes.objects)
            start, cells = drawn[0], jnp.where(exists, drawn[1:], -1)
        present = jnp.sum(exists.astype(jnp.int32) << objects)
        state = GridState(
            row=start // sizes.side,
            col=start % sizes.side,
            present=present,
            time=jnp.int32(0),
            object_cell=cells if placement == "random" else None,
        )
        return state, observe(level, state)

    def step(level: GridLevel, state: GridState, action: Array, noise: dict[str, Array]) -> Step:
        row, col = state.row + offsets[:, 0][action], state.col + offsets[:, 1][action]
        inside = (row >= 0) & (row < sizes.side) & (col >= 0) & (col < sizes.side)
        blocked = ~inside | level.walls[jnp.where(inside, row * sizes.side + col, 0)]
        row, col = jnp.where(blocked, state.row, row), jnp.where(blocked, state.col, col)
        cell = row * sizes.side + col

        fields = jnp.stack([noise["events"] & 0xFFFF, noise["events"] >> _EVENT_BITS], axis=-1).reshape(-1)
        present = (state.present >> objects & 1).astype(bool)
        cells = level.object_cell if state.object_cell is None else state.object_cell
        collected = present & (cells == cell)
        respawned = ~present & (fields[: sizes.objects] < event_threshold(level.p_respawn))
        p_end = jnp.sum(jnp.where(collected, level.p_terminate, 0.0))
        terminated = fields[sizes.objects] < event_threshold(p_end)

        if placement == "random":
            taken = level.walls.at[jnp.where(present, cells, sizes.cells)].set(True, mode="drop").at[cell].set(True)
            cells = jnp.where(respawned, draw_cells(noise["places"], taken, sizes.objects), cells)
        present_next = jnp.sum(((present & ~collected) | respawned).astype(jnp.int32) << objects)
        time = state.time + 1
        following = GridState(row=row, col=col, present=present_next, time=time,
            object_cell=cells if placement == "random" else None)
        return Step(
            state=following,
            obs=observe(level, following),
            reward=jnp.sum(jnp.where(collected, level.object_reward, 0.0)),
            terminated=terminated,
            truncated=~terminated & (time >= level.max_steps),
        )

    return EnvFamily(
        name="gridworld",
        num_actions=len(offsets),
        observation=Discrete(sizes.states) if observation == "index" else Box((sizes.side, sizes.side, 2 + sizes.objects)),
        sample_level=sampler or (lambda key: sample_level(key, distribution, sizes)),
        noise=noise,
        reset=reset,
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: level.max_steps,
    )
