"""Exact answers about a tabular gridworld: the best expected return, and the distance to the nearest reward.

The solver is finite-horizon dynamic programming over (cell, set of objects present). It uses the structure of the
dynamics:

* Bumping into a wall is staying, and staying is always an action. The best action is therefore a maximum over the open
  neighbourhood: a maximum filter with walls at minus infinity.
* Objects respawn independently. The expectation over respawns is therefore a product, one operator for each object.
* An object collected in a step cannot respawn in that step. The expectation after collecting therefore differs from
  the common expectation, but only on the O cells that hold objects.
"""

import jax
import jax.numpy as jnp

from groove.envs.gridworld.levels import EVENT_BITS, GridLevel, GridSizes, event_threshold, moves
from groove.types import Array

_BLOCKED = -1e30  # finite, because a probability of zero times infinity is not zero


def optimal_return(level: GridLevel, sizes: GridSizes) -> Array:
    """Return the expected undiscounted return of the best policy within the time limit, if objects never move.

    Let h be the number of steps left, c a cell, m the set of objects present, m' the same set after respawning, r the
    reward of every step, and o the object on c. Then::

        V_0(c, m) = 0
        V_h(c, m) = max over c' reachable in one step of Q_h(c', m)
        Q_h(c, m) = r + E[V_{h-1}(c, m')]                                 if nothing is collected
        Q_h(c, m) = r + r_o + (1 - p_terminate_o) E[V_{h-1}(c, (m - o)')] if o is collected; o is not in (m - o)'

    Probabilities are rounded to multiples of 2**-16, as in the dynamics. The cost is
    max_steps * G * G * 2**O * (O + A) operations. On a CPU, batch with jax.lax.map: vmap gives every level the longest
    time limit.

    Args:
      level: one level; max_steps may be traced.
      sizes: static sizes of the level.

    Returns:
      f32 [].
    """
    holders = jnp.where(level.object_cell >= 0, level.object_cell, sizes.cells)  # out of bounds: dropped
    respawn = _resolved(level.p_respawn)
    others = jnp.where(jnp.eye(sizes.objects, dtype=bool), 0.0, respawn)  # [O, O]: in row o, o does not respawn
    survive = 1.0 - _resolved(level.p_terminate)
    sets = jnp.arange(2**sizes.objects)
    bit = 1 << jnp.arange(sizes.objects)[:, None]
    holds = (sets & bit) != 0  # [O, 2**O]

    def backup(_: Array, value: Array) -> Array:
        arrive = _after_respawn(value, jnp.broadcast_to(respawn, (sizes.cells, sizes.objects)))
        after = _after_respawn(value.at[holders].get(mode="clip"), others)  # [O, 2**O]
        after = jnp.take_along_axis(after, sets & ~bit, axis=1)
        collect = level.object_reward[:, None] + survive[:, None] * after
        ignore = arrive.at[holders].get(mode="clip")
        arrive = arrive.at[holders].set(jnp.where(holds, collect, ignore), mode="drop")
        arrive = jnp.where(level.walls[:, None], _BLOCKED, arrive + level.step_reward)
        return _spread(arrive, sizes, _BLOCKED)

    value = jax.lax.fori_loop(0, level.max_steps, backup, jnp.zeros((sizes.cells, 2**sizes.objects)))
    present = jnp.sum((level.object_cell >= 0) << jnp.arange(sizes.objects))
    return value[level.start, present]


def nearest_positive_object(level: GridLevel, sizes: GridSizes) -> Array:
    """Return the steps from the start to the nearest object of positive reward, by breadth-first search.

    Returns:
      int32 []: 0 if the start holds such an object, -1 if none can be reached.
    """
    positive = (level.object_cell >= 0) & (level.object_reward > 0)
    holders = jnp.where(positive, level.object_cell, sizes.cells)  # out of bounds: dropped
    goal = jnp.zeros(sizes.cells, bool).at[holders].set(True, mode="drop")

    def searching(carry: tuple[Array, Array, Array]) -> Array:
        reached, _, grew = carry
        return grew & ~jnp.any(reached & goal)

    def widen(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        reached, steps, _ = carry
        wider = _spread(reached[:, None], sizes, False)[:, 0] & ~level.walls
        return wider, steps + 1, jnp.any(wider != reached)

    start = jnp.arange(sizes.cells) == level.start
    reached, steps, _ = jax.lax.while_loop(searching, widen, (start, jnp.int32(0), jnp.bool_(True)))
    return jnp.where(jnp.any(reached & goal), steps, -1)


def _resolved(p: Array) -> Array:
    """Round a probability to the resolution of the dynamics."""
    return event_threshold(p).astype(jnp.float32) / 2.0**EVENT_BITS


def _after_respawn(value: Array, p: Array) -> Array:
    """Return E[V(., m')] for every m, where an object o absent from m is present in m' with probability p[:, o].

    Args:
      value: f32 [R, 2**O], one column for each set of objects present after respawning.
      p: f32 [R, O], probabilities of respawn.
    """
    rows, objects = p.shape
    for o in range(objects):
        pair = value.reshape(rows, 2 ** (objects - 1 - o), 2, 2**o)  # bit o of the set is the third axis
        absent, present = pair[:, :, :1], pair[:, :, 1:]
        absent = absent + p[:, o, None, None, None] * (present - absent)
        value = jnp.concatenate([absent, present], axis=2).reshape(rows, -1)
    return value


def _spread(value: Array, sizes: GridSizes, lowest: float | bool) -> Array:
    """Return the maximum over each cell and the cells one move away from it, [G * G, D] -> [G * G, D]."""
    side = sizes.side
    grid = value.reshape(side, side, -1)
    padded = jnp.pad(grid, ((1, 1), (1, 1), (0, 0)), constant_values=lowest)
    for row, col in moves(sizes):
        grid = jnp.maximum(grid, padded[1 + row : 1 + row + side, 1 + col : 1 + col + side])
    return grid.reshape(value.shape)
