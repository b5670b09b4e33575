"""Gridworld levels: the pytree, the sizes they share, and the random distribution they are drawn from."""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.types import Array, Key


@dataclass(frozen=True)
class GridSizes:
    """The static sizes that make levels of different grids one batch.

    Attributes:
      side: S, the padded grid's side; cells outside a level's own grid are walls.
      objects: O, the most objects a level can hold.
      diagonal: nine actions (eight moves and stay, as LPG) instead of five (four moves and stay, as GROOVE's code).
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
    max_steps: Array  # int32 []: the time limit, environment steps
    lifetime: Array  # int32 []: agent updates


@dataclass(frozen=True)
class LevelDistribution:
    """The random levels of GROOVE's code, mode `all`; every range is inclusive.

    Attributes:
      min_size, max_size: grid side, uniform.
      walls: draws without replacement among max_size**2 indices, of which those inside the grid become walls: the
        share of walls does not depend on the size.
      max_objects: number of objects, uniform from 1. The first one's reward is U(0, 1), the others' U(-1, 1).
      min_steps, max_steps: time limit, log-uniform, environment steps.
      min_terminate, max_terminate: probability of termination on collecting, log-uniform.
      min_respawn, max_respawn: probability of respawn per step, log-uniform.
      min_lifetime, max_lifetime: log-uniform, agent updates.
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


def log_uniform(key: Key, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
    """Draws exp(U(log low, log high))."""
    return jnp.exp(jax.random.uniform(key, shape, minval=jnp.log(low), maxval=jnp.log(high)))


def log_uniform_int(key: Key, low: int, high: int) -> Array:
    """Draws an integer of {low, ..., high}, log-uniformly: floor(exp(U(log low, log(high + 1))))."""
    return jnp.clip(log_uniform(key, low, high + 1).astype(jnp.int32), low, high)


def sample_level(key: Key, dist: LevelDistribution, sizes: GridSizes) -> GridLevel:
    """Draws a level: walls, start and objects on distinct cells, none of them in a wall.

    One permutation of the indices 0 .. max_size**2 - 1 places everything. Its first `dist.walls` entries are the wall
    draws; the later entries that fall inside the grid are free cells in uniformly random order, of which the first is
    the start and the next ones hold the objects. Wall draws that would leave fewer than O + 1 free cells are dropped
    (on a 4 x 4 grid, with probability 3e-8).
    """
    keys = iter(jax.random.split(key, 8))
    size = jax.random.randint(next(keys), (), dist.min_size, dist.max_size + 1)
    order = jax.random.permutation(next(keys), dist.max_size**2)
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

    count = jax.random.randint(next(keys), (), 1, dist.max_objects + 1)
    exists = jnp.arange(sizes.objects) < count
    reward = jax.random.uniform(next(keys), (sizes.objects,), minval=-1.0).at[0].set(jax.random.uniform(next(keys)))
    terminate, respawn = jax.random.split(next(keys))
    shape = (sizes.objects,)
    return GridLevel(
        size=size,
        walls=walls,
        start=free[0],
        object_cell=jnp.where(exists, jnp.pad(free[1:], (0, sizes.objects - dist.max_objects)), -1),
        object_reward=jnp.where(exists, reward, 0.0),
        p_terminate=jnp.where(exists, log_uniform(terminate, dist.min_terminate, dist.max_terminate, shape), 0.0),
        p_respawn=jnp.where(exists, log_uniform(respawn, dist.min_respawn, dist.max_respawn, shape), 0.0),
        max_steps=log_uniform_int(next(keys), dist.min_steps, dist.max_steps),
        lifetime=log_uniform_int(next(keys), dist.min_lifetime, dist.max_lifetime),
    )


def check_level(level: GridLevel, sizes: GridSizes) -> None:
    """Refuses a level that the dynamics would silently misread. Takes concrete (not traced) arrays.

    Raises:
      ValueError: naming the field, on NaN, a probability outside [0, 1], an object or start in a wall or off the grid,
        two objects on one cell, or a time limit or lifetime below one.
    """
    host: GridLevel = jax.tree.map(jax.device_get, level)
    for name in ("object_reward", "p_terminate", "p_respawn"):
        if not bool(jnp.isfinite(getattr(host, name)).all()):
            raise ValueError(f"level.{name} holds NaN or infinity: {getattr(host, name)}.")
    for name in ("p_terminate", "p_respawn"):
        value = getattr(host, name)
        if (value < 0).any() or (value > 1).any():
            raise ValueError(f"level.{name} must lie in [0, 1]: {value}.")
    if host.walls.shape != (sizes.cells,):
        raise ValueError(f"level.walls has shape {host.walls.shape}, expected ({sizes.cells},) for side {sizes.side}.")
    cells = [int(c) for c in host.object_cell if c != -1]
    if len(set(cells)) < len(cells):
        raise ValueError(f"level.object_cell puts two objects on one cell: {cells}.")
    for name, cell in [("start", int(host.start))] + [("object_cell", c) for c in cells]:
        if not 0 <= cell < sizes.cells or host.walls[cell]:
            raise ValueError(f"level.{name} = {cell} is in a wall or off the grid.")
    for name in ("max_steps", "lifetime"):
        if int(getattr(host, name)) < 1:
            raise ValueError(f"level.{name} must be at least 1: {getattr(host, name)}.")


def with_lifetime(level: GridLevel, lifetime: int) -> GridLevel:
    """The same level with another lifetime, in agent updates."""
    return dataclasses.replace(level, lifetime=jnp.full_like(level.lifetime, lifetime))
