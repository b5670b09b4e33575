"""Gridworld levels: their fields, the static sizes of a batch, the random distribution, and the check of a level."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from groove.types import Array, Key
from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_LIFETIME
from groove.utils.typed_fields import at_least

# (row, column) of up, right, down, left, stay. With nine actions the four diagonals come before stay.
_MOVES = {
    False: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (0, 0)], np.int32),
    True: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1), (0, 0)], np.int32),
}
_STEP_REWARD = 1  # folded into a level's key
SCALARS = ("size", "objects", "steps", "lifetime", "first_reward")  # random numbers of a level, in this order
PER_OBJECT = ("reward", "terminate", "respawn")
STEP_REWARD_DRAWS = 3
MOST_SIDE = 99  # of a grid
MOST_OBJECTS = 16  # observations of the largest grid with so many objects are still int32
EVENT_BITS = 16  # probabilities are multiples of 2**-16; three random words hold six events of a step


@dataclass(frozen=True)
class GridSizes:
    """The static sizes that levels of different grids share in a batch.

    Attributes:
      side: G, the side of the padded grid. Cells outside a level's own grid are walls.
      objects: O, the largest number of objects in a level.
      diagonal: nine actions (eight moves and stay, as in LPG) instead of five (four moves and stay, as in the paper's
        code).
    """

    side: int = at_least(3, 10, most=MOST_SIDE)
    objects: int = at_least(1, 5, most=MOST_OBJECTS)
    diagonal: bool = False

    @property
    def cells(self) -> int:
        """Cells of the padded grid, G * G."""
        return self.side * self.side

    @property
    def states(self) -> int:
        """Observations of the tabular environment, G * G * 2**O: a cell and the set of objects present."""
        return self.cells * 2**self.objects


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GridLevel:
    """A gridworld. A cell is row * S + column on the padded grid; an absent object has cell -1."""

    size: Array  # int32 []: side of the level's own grid, at most S
    walls: Array  # bool [G * G]: also true outside the level's own grid
    start: Array  # int32 []: cell
    object_cell: Array  # int32 [O]
    object_reward: Array  # f32 [O]: reward on collecting
    p_terminate: Array  # f32 [O]: probability that collecting ends the episode
    p_respawn: Array  # f32 [O]: probability per step that an absent object returns
    step_reward: Array  # f32 []: reward of every step, added to that of collecting
    max_steps: Array  # int32 []: the time limit, environment steps
    lifetime: Array  # int32 []: agent updates


def sizes_of(level: GridLevel, like: GridSizes) -> GridSizes:
    """Return the static sizes of a level or of a batch of levels, with the action set of `like`."""
    return GridSizes(math.isqrt(level.walls.shape[-1]), level.object_cell.shape[-1], like.diagonal)


@dataclass(frozen=True)
class LevelDistribution:
    """The distribution of random levels in the paper's public code, mode `all`. Every range is inclusive.

    Attributes:
      min_size, max_size: side of the grid, uniform.
      walls: draws without replacement among max_size**2 indices. Those inside the grid become walls, so that the share
        of walls does not depend on the size.
      max_objects: number of objects, uniform from 1. The first object's reward is U(0, 1), the others' U(-1, 1).
      min_steps, max_steps: time limit, log-uniform, environment steps.
      min_terminate, max_terminate: probability that collecting ends the episode, log-uniform.
      min_respawn, max_respawn: probability of respawn per step, log-uniform.
      min_lifetime, max_lifetime: lifetime, log-uniform, agent updates.
      step_reward_share: share of levels that pay a reward at every step, positive or negative with even chances. In
        such levels it pays to survive or to hurry. The public code has no such levels.
      min_step_reward, max_step_reward: magnitude of that reward, log-uniform.
    """

    min_size: int = at_least(3, 4, most=MOST_SIDE)
    max_size: int = at_least(3, 10, most=MOST_SIDE)
    walls: int = at_least(0, 15, most=MOST_SIDE**2)
    max_objects: int = at_least(1, 5, most=MOST_OBJECTS)
    min_steps: int = at_least(1, 20, most=10**6)
    max_steps: int = at_least(1, 750, most=10**6)
    min_terminate: float = at_least(1e-6, 0.01, most=1)
    max_terminate: float = at_least(1e-6, 1.0, most=1)
    min_respawn: float = at_least(1e-6, 0.001, most=1)
    max_respawn: float = at_least(1e-6, 0.1, most=1)
    min_lifetime: int = at_least(1, 250, most=MOST_LIFETIME)
    max_lifetime: int = at_least(1, 250, most=MOST_LIFETIME)
    step_reward_share: float = at_least(0, 0.0, most=1)
    min_step_reward: float = at_least(1e-6, 0.01, most=1e6)
    max_step_reward: float = at_least(1e-6, 1.0, most=1e6)


def moves(sizes: GridSizes) -> np.ndarray:
    """Return the (row, column) offset of each action, int32 [A, 2]."""
    return _MOVES[sizes.diagonal]


def event_threshold(p: Array) -> Array:
    """Return the integer below which a 16-bit draw triggers an event of probability p; exact at 0 and 1."""
    return jnp.round(p * 2.0**EVENT_BITS).astype(jnp.uint32)


def uniform_int(u: Array, low: int, high: int | Array) -> Array:
    """Map u, uniform in [0, 1), to a uniform integer of {low, ..., high}."""
    return low + jnp.minimum((u * (high - low + 1)).astype(jnp.int32), high - low)


def log_uniform(u: Array, low: float, high: float) -> Array:
    """Map u, uniform in [0, 1), to a log-uniform number of [low, high): low * (high / low)^u."""
    return low * jnp.exp(u * math.log(high / low))


def log_uniform_int(u: Array, low: int, high: int) -> Array:
    """Map u, uniform in [0, 1), to a log-uniform integer of {low, ..., high}: floor(low ((high + 1) / low)^u)."""
    return jnp.clip(log_uniform(u, low, high + 1).astype(jnp.int32), low, high)


def sample_level(key: Key, dist: LevelDistribution, sizes: GridSizes) -> GridLevel:
    """Draw a level whose start and objects lie on distinct cells outside walls.

    Args:
      key: the only source of randomness.
      dist: the ranges of everything that is drawn.
      sizes: static sizes that hold every level of `dist`.
    """
    uniforms = jax.random.uniform(key, (level_draws(dist, sizes),))
    # draws of their own leave the rest of the level the same with and without a reward of every step
    step_reward = jax.random.uniform(jax.random.fold_in(key, _STEP_REWARD), (STEP_REWARD_DRAWS,))
    return make_level(uniforms, step_reward, dist.walls, dist, sizes)


def level_draws(dist: LevelDistribution, sizes: GridSizes) -> int:
    """Return the number of random numbers that `make_level` takes, without those of the reward of every step."""
    return dist.max_size**2 + len(SCALARS) + len(PER_OBJECT) * sizes.objects


def make_level(
    uniforms: Array, step_reward: Array, walls: int | Array, dist: LevelDistribution, sizes: GridSizes
) -> GridLevel:
    """Make a level of random numbers, all uniform in [0, 1).

    Args:
      uniforms: f32 [level_draws]: max_size**2 places, the numbers of `SCALARS`, and a row of O for each of
        `PER_OBJECT`.
      step_reward: f32 [STEP_REWARD_DRAWS].
      walls: number of wall draws.
      dist: the ranges of everything that is drawn.
      sizes: static sizes that hold every level of `dist`.
    """
    cells = dist.max_size**2
    places, scalars, per_object = jnp.split(uniforms, [cells, cells + len(SCALARS)])
    u_size, u_count, u_steps, u_lifetime, u_first = scalars
    size = uniform_int(u_size, dist.min_size, dist.max_size)
    grid, free = _draw_walls(places, size, walls, dist, sizes)
    exists = jnp.arange(sizes.objects) < uniform_int(u_count, 1, dist.max_objects)
    return GridLevel(
        size=size,
        walls=grid,
        start=free[0],
        object_cell=jnp.where(exists, jnp.pad(free[1:], (0, sizes.objects - dist.max_objects)), -1),
        **object_numbers(per_object.reshape((len(PER_OBJECT), sizes.objects)), u_first, exists, dist),
        step_reward=_step_reward(step_reward, dist),
        max_steps=log_uniform_int(u_steps, dist.min_steps, dist.max_steps),
        lifetime=log_uniform_int(u_lifetime, dist.min_lifetime, dist.max_lifetime),
    )


def _draw_walls(
    places: Array, size: Array, walls: int | Array, dist: LevelDistribution, sizes: GridSizes
) -> tuple[Array, Array]:
    """Draw the walls of a grid, and distinct free cells for its start and objects.

    One permutation of the indices 0 .. max_size**2 - 1 places everything. The first `walls` entries are the wall
    draws. The later entries inside the grid are free cells in uniformly random order. Wall draws that would leave fewer
    than 1 + max_objects free cells are dropped, with probability 3e-8 on a 4 x 4 grid.

    Args:
      places: f32 [max_size**2], uniform in [0, 1).
      size: int32 [], side of the grid.
      walls: number of wall draws.
      dist: largest number of objects.
      sizes: static sizes of the level.

    Returns:
      The walls, bool [G * G], and the free cells, int32 [1 + max_objects].
    """
    order = jnp.argsort(places)
    inside = order < size * size
    cell = order // size * sizes.side + order % size  # [max_size**2], meaningful where inside

    wall_draw = inside & (jnp.arange(order.shape[0]) < walls)
    is_wall = wall_draw & (jnp.cumsum(wall_draw) <= size * size - dist.max_objects - 1)
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    outside = (row >= size) | (col >= size)
    grid = outside.at[jnp.where(is_wall, cell, sizes.cells)].set(True, mode="drop")

    is_free = inside & ~is_wall
    rank = jnp.cumsum(is_free) - 1
    free = jnp.zeros(1 + dist.max_objects, jnp.int32)
    return grid, free.at[jnp.where(is_free, rank, 1 + dist.max_objects)].set(cell, mode="drop")


def object_numbers(uniforms: Array, u_first: Array, exists: Array, dist: LevelDistribution) -> dict[str, Array]:
    """Draw `object_reward`, `p_terminate` and `p_respawn` of a level's objects, f32 [O] each, 0 for absent objects.

    The first object's reward is U(0, 1), the others' are U(-1, 1).

    Args:
      uniforms: f32 [3, O], uniform in [0, 1): one row for each of the three fields.
      u_first: f32 [], the first object's reward.
      exists: bool [O].
      dist: ranges of p_terminate and p_respawn.
    """
    u_reward, u_terminate, u_respawn = uniforms
    reward = (2.0 * u_reward - 1.0).at[0].set(u_first)
    p_terminate = log_uniform(u_terminate, dist.min_terminate, dist.max_terminate)
    p_respawn = log_uniform(u_respawn, dist.min_respawn, dist.max_respawn)
    numbers = {"object_reward": reward, "p_terminate": p_terminate, "p_respawn": p_respawn}
    return {name: jnp.where(exists, number, 0.0) for name, number in numbers.items()}


def _step_reward(uniforms: Array, dist: LevelDistribution) -> Array:
    """Return the reward of every step by f32 [STEP_REWARD_DRAWS], uniform in [0, 1)."""
    if not dist.step_reward_share:
        return jnp.zeros(())
    u_any, u_sign, u_size = uniforms
    reward = jnp.where(u_sign < 0.5, -1.0, 1.0) * log_uniform(u_size, dist.min_step_reward, dist.max_step_reward)
    return jnp.where(u_any < dist.step_reward_share, reward, 0.0)


def with_lifetimes(sampler: Callable[[Key], GridLevel], dist: LevelDistribution) -> Callable[[Key], GridLevel]:
    """Return a sampler of the same levels, with lifetimes drawn log-uniformly from the range of `dist`."""

    def sample(key: Key) -> GridLevel:
        level_key, lifetime_key = jax.random.split(key)
        lifetime = log_uniform_int(jax.random.uniform(lifetime_key), dist.min_lifetime, dist.max_lifetime)
        return dataclasses.replace(sampler(level_key), lifetime=lifetime)

    return sample


def check_level(level: GridLevel, sizes: GridSizes) -> None:
    """Refuse a level that the dynamics would silently misread.

    Args:
      level: concrete (not traced) arrays of one level.
      sizes: static sizes of the level.

    Raises:
      GrooveError: naming the field. Refused are NaN, probabilities outside [0, 1], a size that does not fit, cells
        outside the level's own grid that are not walls, a start or object in a wall or off the grid, two objects on one
        cell, an absent object that could respawn, and a time limit or lifetime below one.
    """
    host: GridLevel = jax.tree.map(np.asarray, level)
    _check_objects(host)
    _check_cells(host, sizes)
    for name in ("max_steps", "lifetime"):
        if int(getattr(host, name)) < 1:
            raise GrooveError(f"level.{name} must be at least 1: {getattr(host, name)}.")


def _check_objects(level: GridLevel) -> None:
    for name in ("object_reward", "step_reward", "p_terminate", "p_respawn"):
        value = getattr(level, name)
        if not np.isfinite(value).all():
            raise GrooveError(f"level.{name} holds NaN or infinity: {value}.")
        if name.startswith("p_") and ((value < 0) | (value > 1)).any():
            raise GrooveError(f"level.{name} must lie in [0, 1]: {value}.")
    if ((level.object_cell == -1) & (level.p_respawn > 0)).any():
        raise GrooveError(f"level.p_respawn must be 0 for absent objects (cell -1): {level.p_respawn}.")


def _check_cells(level: GridLevel, sizes: GridSizes) -> None:
    if level.walls.shape != (sizes.cells,):
        raise GrooveError(
            f"level.walls has shape {level.walls.shape}, expected ({sizes.cells},) for side {sizes.side}."
        )
    if not 1 <= level.size <= sizes.side:
        raise GrooveError(f"level.size = {level.size} is not in 1 .. {sizes.side}.")
    row, col = np.divmod(np.arange(sizes.cells), sizes.side)
    if not level.walls[(row >= level.size) | (col >= level.size)].all():
        raise GrooveError(f"level.walls must be true outside the level's own grid of side {level.size}.")
    cells = [int(cell) for cell in level.object_cell if cell != -1]
    if len(set(cells)) < len(cells):
        raise GrooveError(f"level.object_cell puts two objects on one cell: {cells}.")
    for name, cell in [("start", int(level.start))] + [("object_cell", cell) for cell in cells]:
        if not 0 <= cell < sizes.cells or level.walls[cell]:
            raise GrooveError(f"level.{name} = {cell} is in a wall or off the grid.")
