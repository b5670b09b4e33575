"""Procedural mazes: rooms by recursive division, perfect mazes, and labyrinths with loops, as arrays of fixed shape.

A maze has an odd side. Cells of even row and even column are nodes and always free. The cell between two neighbouring
nodes is a passage, free or wall. Cells of odd row and odd column are walls, except inside rooms. There is no outer
wall, because the edge of the grid stops the agent. Every free cell can be reached from every other.

Generators are pure functions (key, size, sizes) -> walls, whose side `size` may be traced.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import (
    GridLevel,
    GridSizes,
    LevelDistribution,
    log_uniform_int,
    object_numbers,
    uniform_int,
)
from groove.types import Array, Key
from groove.utils.errors import GrooveError

MIN_SIDE, MAX_SIDE = 5, 13
MAX_OBJECTS = 3
MAX_ROOM = 5  # cells; a longer side is divided
DIVISIONS = 4  # enough to divide a side of 13 into rooms of at most 5 (13 -> 9 -> 5, in both directions)
BRAID = 0.25  # probability that a labyrinth opens a passage that its spanning tree leaves closed


def perfect_maze(key: Key, size: Array, sizes: GridSizes) -> Array:
    """Draw a maze with exactly one path between any two free cells: the minimum spanning tree of random weights.

    Let the bottleneck b_uv of two nodes be the smallest weight that the heaviest edge of a path between them can have.
    An edge is in the tree exactly if its weight equals the bottleneck of its ends. The algorithm of Floyd and Warshall
    computes all bottlenecks::

        b_uv = min over k of max(b_uk, b_kv)

    Args:
      key: the only source of randomness.
      size: int32 [], the side of the maze, odd.
      sizes: static sizes of the level.

    Returns:
      bool [G * G]: true in walls and outside the maze.
    """
    ends, cell = _passages(sizes)
    inside = _inside(size, sizes)
    closed = len(cell)
    weight = jnp.argsort(jax.random.uniform(key, cell.shape))  # distinct, so that the tree is unique
    weight = jnp.where(inside[cell], weight, closed)
    u, v = ends.T
    nodes = 1 + ends.max()
    bottleneck = jnp.full((nodes, nodes), closed).at[u, v].set(weight).at[v, u].set(weight)

    def through(k: Array, b: Array) -> Array:
        return jnp.minimum(b, jnp.maximum(b[:, k, None], b[None, k, :]))

    bottleneck = jax.lax.fori_loop(0, nodes, through, bottleneck)
    in_tree = inside[cell] & (weight == bottleneck[u, v])
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    node = inside & (row % 2 == 0) & (col % 2 == 0)
    return ~node.at[cell].set(in_tree)


def labyrinth(key: Key, size: Array, sizes: GridSizes) -> Array:
    """Draw a perfect maze and open each closed passage with probability 1/4.

    Arguments and result are those of `perfect_maze`.
    """
    tree_key, braid_key = jax.random.split(key)
    return _braid(braid_key, perfect_maze(tree_key, size, sizes), size, sizes)


def rooms(key: Key, size: Array, sizes: GridSizes) -> Array:
    """Draw rooms by recursive division: a wall with one door across the longer side, until no side is longer than 5.

    Walls lie on odd rows or columns and doors on even ones, so that no later wall closes a door. A division leaves at
    least 3 cells on either side of the wall, except that a whole grid of side 5 is divided, too. All rooms are divided
    at once: each cell carries the bounds of its room.

    Arguments and result are those of `perfect_maze`.
    """
    position = jnp.stack(jnp.divmod(jnp.arange(sizes.cells), sizes.side))  # [2, G * G]: row, column
    draws = jax.random.uniform(key, (2**DIVISIONS - 1, 3))  # one row for each room of a binary tree

    def divide(_: Array, carry: tuple[Array, ...]) -> tuple[Array, ...]:
        walls, room, low, high = carry
        u_axis, u_line, u_door = draws[room].T
        height, width = length = high - low + 1
        axis = jnp.where(height == width, u_axis < 0.5, width > height).astype(jnp.int32)  # the axis to divide
        (near, wide, here), (left, broad, there) = (
            [jnp.where(which, pair[1], pair[0]) for pair in (low, length, position)] for which in (axis, 1 - axis)
        )
        margin = jnp.where(wide > MAX_ROOM, 3, 1)
        line = near + margin + 2 * uniform_int(u_line, 0, (wide - 2 * margin - 1) // 2)
        door = left + 2 * uniform_int(u_door, 0, (broad - 1) // 2)
        divides = (wide > MAX_ROOM) | (room == 0)
        along = divides & (jnp.arange(2)[:, None] == axis)
        beyond = here > line
        return (
            walls | divides & (here == line) & (there != door),
            2 * room + 1 + beyond,  # the children of n are 2 n + 1 and 2 n + 2
            jnp.where(along & beyond, line + 1, low),
            jnp.where(along & ~beyond, line - 1, high),
        )

    bounds = (
        jnp.zeros_like(position),
        jnp.full_like(position, size - 1),
    )  # bounds of each cell's room, inclusive and even
    start = (~_inside(size, sizes), jnp.zeros(sizes.cells, jnp.int32), *bounds)
    return jax.lax.fori_loop(0, DIVISIONS, divide, start)[0]


def make_sampler(dist: LevelDistribution, sizes: GridSizes) -> Callable[[Key], GridLevel]:
    """Return a sampler key -> maze of a uniformly drawn kind and of a uniformly drawn odd side from 5 to 13, at most S.

    The start and one to three objects lie on distinct free cells; the number of objects and the cells are uniform. The
    first object's reward is U(0, 1), the others' are U(-1, 1).

    Args:
      dist: gives the ranges of p_terminate, p_respawn, time limit and lifetime; the other fields are ignored.
      sizes: static sizes of the levels.

    Raises:
      GrooveError: if the sizes do not hold the smallest maze.
    """
    if sizes.side < MIN_SIDE or sizes.objects < 1:
        raise GrooveError(
            f"mazes need sizes.side of at least {MIN_SIDE} and sizes.objects of at least 1, not {sizes.side} and "
            f"{sizes.objects}; enlarge the sizes."
        )
    most_objects = min(MAX_OBJECTS, sizes.objects)

    def sampler(key: Key) -> GridLevel:
        rooms_key, tree_key, braid_key, place_key, number_key = jax.random.split(key, 5)
        scalars, per_object = jnp.split(jax.random.uniform(number_key, (6 + 3 * sizes.objects,)), [6])
        u_kind, u_size, u_count, u_steps, u_lifetime, u_first = scalars
        size = MIN_SIDE + 2 * uniform_int(u_size, 0, (_largest(sizes) - MIN_SIDE) // 2)
        tree = perfect_maze(tree_key, size, sizes)  # shared, because a batch computes every kind for every level
        kinds = [rooms(rooms_key, size, sizes), _braid(braid_key, tree, size, sizes), tree]
        walls = jnp.stack(kinds)[uniform_int(u_kind, 0, len(kinds) - 1)]
        priority = jnp.where(walls, -1.0, jax.random.uniform(place_key, walls.shape))
        start, *cells = jax.lax.top_k(priority, 1 + sizes.objects)[1].astype(jnp.int32)

        exists = jnp.arange(sizes.objects) < uniform_int(u_count, 1, most_objects)
        return GridLevel(
            size=size,
            walls=walls,
            start=start,
            object_cell=jnp.where(exists, jnp.stack(cells), -1),
            **object_numbers(per_object.reshape((3, sizes.objects)), u_first, exists, dist),
            step_reward=jnp.float32(0),
            max_steps=log_uniform_int(u_steps, dist.min_steps, dist.max_steps),
            lifetime=log_uniform_int(u_lifetime, dist.min_lifetime, dist.max_lifetime),
        )

    return sampler


def make_mazes(sizes: GridSizes = GridSizes(side=13, objects=3)) -> EnvFamily:  # noqa: B008 (frozen)
    """Build the family of tabular gridworlds whose levels are mazes.

    Args:
      sizes: static sizes that all levels share.

    Raises:
      GrooveError: if the sizes do not hold the smallest maze.
    """
    return make_gridworld(sizes, sampler=make_sampler(LevelDistribution(), sizes))


def _braid(key: Key, walls: Array, size: Array, sizes: GridSizes) -> Array:
    """Open each closed passage with probability BRAID."""
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    passage = _inside(size, sizes) & ((row + col) % 2 == 1)
    return walls & ~(passage & jax.random.bernoulli(key, BRAID, passage.shape))


def _largest(sizes: GridSizes) -> int:
    """Return the longest side of a maze that the sizes hold."""
    side = min(sizes.side, MAX_SIDE)
    return side - 1 + side % 2


def _inside(size: Array, sizes: GridSizes) -> Array:
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    return (row < size) & (col < size)


def _passages(sizes: GridSizes) -> tuple[np.ndarray, np.ndarray]:
    """Return every passage of the largest maze: the two nodes that it joins, int [E, 2], and its cell, int [E]."""
    side = _largest(sizes)
    row, col = np.nonzero(np.indices((side, side)).sum(0) % 2)
    nodes = np.arange(((side + 1) // 2) ** 2).reshape((side + 1) // 2, -1)
    ends = np.stack([nodes[row // 2, col // 2], nodes[(row + 1) // 2, (col + 1) // 2]], axis=1)
    return ends, row * sizes.side + col
