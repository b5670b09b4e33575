"""Gridworld levels: the pytree, the sizes they share, what their numbers mean, and the random distribution."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from groove.types import Array, Key

# (row, column) of up, right, down, left, stay, and of the diagonals that nine actions add before stay.
_MOVES = {
    False: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (0, 0)], np.int32),
    True: np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1), (0, 0)], np.int32),
}
_STEP_REWARD = 1  # folded into a level's key
EVENT_BITS = 16  # a probability is resolved to 2**-16; six events of a step share three random words


@dataclass(frozen=True)
class GridSizes:
    """The static sizes that make levels of different grids one batch.

    Attributes:
      side: S, the padded grid's side; cells outside a level's own grid are walls.
      objects: O, the most objects a level can hold.
      diagonal: nine actions (eight moves and stay, as LPG) instead of five (four moves and stay, as GROOVE's
        code).
    """

    side: int = 10
    objects: int = 5
    diagonal: bool = False

    @property
    def cells(self) -> int:
        """Cells of the padded grid, S * S."""
        return self.side * self.side

    @property
    def states(self) -> int:
        """Observations of the tabular environment: a cell and a set of objects present, S * S * 2**O."""
        return self.cells * 2**self.objects


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GridLevel:
    """One gridworld. A cell is row * S + column on the padded grid; an absent object has cell -1."""

    size: Array  # int32 []: the level's own side, at most S
    walls: Array  # bool [S * S]: true outside the level's own grid, too
    start: Array  # int32 []: cell
    object_cell: Array  # int32 [O]
    object_reward: Array  # f32 [O]: reward on collecting
    p_terminate: Array  # f32 [O]: probability that collecting ends the episode
    p_respawn: Array  # f32 [O]: probability per step that an absent object returns
    step_reward: Array  # f32 []: paid at every step, beside what is collected
    max_steps: Array  # int32 []: the time limit, environment steps
    lifetime: Array  # int32 []: agent updates


def sizes_of(level: GridLevel, like: GridSizes) -> GridSizes:
    """The static sizes of a level, or of a batch of levels, with as many actions as `like`."""
    return GridSizes(math.isqrt(level.walls.shape[-1]), level.object_cell.shape[-1], like.diagonal)


@dataclass(frozen=True)
class LevelDistribution:
    """The random levels of GROOVE's code, mode `all`; every range is inclusive.

    Attributes:
      min_size, max_size: grid side, uniform.
      walls: draws without replacement among max_size**2 indices, of which those inside the grid become walls:
        the share of walls does not depend on the size.
      max_objects: number of objects, uniform from 1. The first one's reward is U(0, 1), the others' U(-1, 1).
      min_steps, max_steps: time limit, log-uniform, environment steps.
      min_terminate, max_terminate: probability of termination on collecting, log-uniform.
      min_respawn, max_respawn: probability of respawn per step, log-uniform.
      min_lifetime, max_lifetime: log-uniform, agent updates.
      step_reward_share: of the levels, those that pay a reward at every step, positive or negative with even chances,
        so that to survive or to hurry is what counts. GROOVE's code has none.
      min_step_reward, max_step_reward: its magnitude, log-uniform.
    """

    min_size: int = 4
    max_size: int = 10
    walls: int = 15
    max_objects: int = 5
    min_steps: int = 20
    max_steps: int = 750
    min_terminate: float = 0.01
    max_terminate: float = 1.0
    min_respawn: float = 0.001
    max_respawn: float = 0.1
    min_lifetime: int = 250
    max_lifetime: int = 250
    step_reward_share: float = 0.0
    min_step_reward: float = 0.01
    max_step_reward: float = 1.0


def moves(sizes: GridSizes) -> np.ndarray:
    """(row, column) offsets of each action: int32 [A, 2]."""
    return _MOVES[sizes.diagonal]


def event_threshold(p: Array) -> Array:
    """The integer below which a 16-bit draw makes an event of probability p happen; exact at 0 and 1."""
    return jnp.round(p * 2.0**EVENT_BITS).astype(jnp.uint32)


def uniform_int(u: Array, low: int, high: int | Array) -> Array:
    """The integer of {low, ..., high} that u, uniform in [0, 1), stands for."""
    return low + jnp.minimum((u * (high - low + 1)).astype(jnp.int32), high - low)


def log_uniform(u: Array, low: float, high: float) -> Array:
    """low * (high / low)^u: log-uniform in [low, high) where u is uniform in [0, 1)."""
    return low * jnp.exp(u * math.log(high / low))


def log_uniform_int(u: Array, low: int, high: int) -> Array:
    """The integer of {low, ..., high}, log-uniform, that u stands for: floor(low ((high + 1) / low)^u)."""
    return jnp.clip(log_uniform(u, low, high + 1).astype(jnp.int32), low, high)


def sample_level(key: Key, dist: LevelDistribution, sizes: GridSizes) -> GridLevel:
    """Draws a level: walls, start and objects on distinct cells, none of them in a wall.

    One permutation of the indices 0 .. max_size**2 - 1 places everything. Its first `dist.walls` entries are
    the wall draws; the later entries that fall inside the grid are free cells in uniformly random order, of
    which the first is the start and the next ones hold the objects. Wall draws that would leave fewer than O
    + 1 free cells are dropped (on a 4 x 4 grid, with probability 3e-8).
    """
    draws = jax.random.uniform(key, (dist.max_size**2 + 5 + 3 * sizes.objects,))  # all there is, drawn at once
    places, scalars, per_object = jnp.split(draws, [dist.max_size**2, dist.max_size**2 + 5])
    u_size, u_count, u_steps, u_lifetime, u_first = scalars
    u_reward, u_terminate, u_respawn = per_object.reshape((3, sizes.objects))
    size = uniform_int(u_size, dist.min_size, dist.max_size)
    order = jnp.argsort(places)
    inside = order < size * size
    cell = order // size * sizes.side + order % size  # [max_size**2], meaningful where inside

    wall_draw = inside & (jnp.arange(order.shape[0]) < dist.walls)
    is_wall = wall_draw & (jnp.cumsum(wall_draw) <= size * size - dist.max_objects - 1)
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    outside = (row >= size) | (col >= size)
    walls = outside.at[jnp.where(is_wall, cell, sizes.cells)].set(True, mode="drop")

    is_free = inside & ~is_wall
    rank = jnp.cumsum(is_free) - 1
    free = jnp.zeros(1 + dist.max_objects, jnp.int32)
    free = free.at[jnp.where(is_free, rank, 1 + dist.max_objects)].set(cell, mode="drop")

    exists = jnp.arange(sizes.objects) < uniform_int(u_count, 1, dist.max_objects)
    reward = (2.0 * u_reward - 1.0).at[0].set(u_first)
    p_terminate = log_uniform(u_terminate, dist.min_terminate, dist.max_terminate)
    p_respawn = log_uniform(u_respawn, dist.min_respawn, dist.max_respawn)
    return GridLevel(
        size=size,
        walls=walls,
        start=free[0],
        object_cell=jnp.where(exists, jnp.pad(free[1:], (0, sizes.objects - dist.max_objects)), -1),
        object_reward=jnp.where(exists, reward, 0.0),
        p_terminate=jnp.where(exists, p_terminate, 0.0),
        p_respawn=jnp.where(exists, p_respawn, 0.0),
        step_reward=_sample_step_reward(key, dist),
        max_steps=log_uniform_int(u_steps, dist.min_steps, dist.max_steps),
        lifetime=log_uniform_int(u_lifetime, dist.min_lifetime, dist.max_lifetime),
    )


def _sample_step_reward(key: Key, dist: LevelDistribution) -> Array:
    """Zero, or what every step pays; draws of its own, so that the rest of a level is the same with and without."""
    if not dist.step_reward_share:
        return jnp.zeros(())
    u_any, u_sign, u_size = jax.random.uniform(jax.random.fold_in(key, _STEP_REWARD), (3,))
    reward = jnp.where(u_sign < 0.5, -1.0, 1.0) * log_uniform(u_size, dist.min_step_reward, dist.max_step_reward)
    return jnp.where(u_any < dist.step_reward_share, reward, 0.0)


def with_lifetimes(sampler: Callable[[Key], GridLevel], dist: LevelDistribution) -> Callable[[Key], GridLevel]:
    """Return a sampler of the same levels whose lifetimes are drawn from the range of `dist`, log-uniformly."""

    def sample(key: Key) -> GridLevel:
        level_key, lifetime_key = jax.random.split(key)
        lifetime = log_uniform_int(jax.random.uniform(lifetime_key), dist.min_lifetime, dist.max_lifetime)
        return dataclasses.replace(sampler(level_key), lifetime=lifetime)

    return sample


def check_level(level: GridLevel, sizes: GridSizes) -> None:
    """Refuses a level that the dynamics would silently misread. Takes concrete (not traced) arrays.

    Raises:
      ValueError: naming the field, on NaN, a probability outside [0, 1], a size that does not fit, cells
        outside the level's own grid that are not walls, an object or start in a wall or off the grid, two
        objects on one cell, an absent object that could respawn, or a time limit or lifetime below one.
    """
    host: GridLevel = jax.tree.map(np.asarray, level)
    _check_objects(host)
    _check_cells(host, sizes)
    for name in ("max_steps", "lifetime"):
        if int(getattr(host, name)) < 1:
            raise ValueError(f"level.{name} must be at least 1: {getattr(host, name)}.")


def _check_objects(level: GridLevel) -> None:
    for name in ("object_reward", "step_reward", "p_terminate", "p_respawn"):
        value = getattr(level, name)
        if not np.isfinite(value).all():
            raise ValueError(f"level.{name} holds NaN or infinity: {value}.")
        if name.startswith("p_") and ((value < 0) | (value > 1)).any():
            raise ValueError(f"level.{name} must lie in [0, 1]: {value}.")
    if ((level.object_cell == -1) & (level.p_respawn > 0)).any():
        raise ValueError(f"level.p_respawn must be 0 for absent objects (cell -1): {level.p_respawn}.")


def _check_cells(level: GridLevel, sizes: GridSizes) -> None:
    if level.walls.shape != (sizes.cells,):
        raise ValueError(f"level.walls has shape {level.walls.shape}, expected ({sizes.cells},) for side {sizes.side}.")
    if not 1 <= level.size <= sizes.side:
        raise ValueError(f"level.size = {level.size} is not in 1 .. {sizes.side}.")
    row, col = np.divmod(np.arange(sizes.cells), sizes.side)
    if not level.walls[(row >= level.size) | (col >= level.size)].all():
        raise ValueError(f"level.walls must be true outside the level's own grid of side {level.size}.")
    cells = [int(cell) for cell in level.object_cell if cell != -1]
    if len(set(cells)) < len(cells):
        raise ValueError(f"level.object_cell puts two objects on one cell: {cells}.")
    for name, cell in [("start", int(level.start))] + [("object_cell", cell) for cell in cells]:
        if not 0 <= cell < sizes.cells or level.walls[cell]:
            raise ValueError(f"level.{name} = {cell} is in a wall or off the grid.")
