"""Features of a gridworld level: a few numbers for logs, tables and plots."""

import jax.numpy as jnp

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.solver import nearest_positive_object
from groove.types import Array


def describe(level: GridLevel, sizes: GridSizes) -> dict[str, Array]:
    """Return the features of a level whose start and objects are fixed.

    Args:
      level: one level.
      sizes: static sizes of the level.

    Returns:
      A dictionary of f32 []:

      * size: side of the level's own grid, cells.
      * wall_share: share of walls among the size**2 cells of the level's own grid.
      * objects: number of objects.
      * positive_objects: number of objects with a reward above zero.
      * nearest_positive: steps from the start to the nearest positive object; NaN if none can be reached.
      * solvable: 1 if a positive object can be reached within the time limit, 0 otherwise.
      * max_steps: the time limit, environment steps.
      * step_reward: reward of every step.
      * mean_respawn: mean probability of respawn per step over the objects; NaN if there is none.
      * lifetime: agent updates.
    """
    exists = level.object_cell >= 0
    row, col = jnp.divmod(jnp.arange(sizes.cells), sizes.side)
    inside = (row < level.size) & (col < level.size)
    nearest = nearest_positive_object(level, sizes)
    numbers = {
        "size": level.size,
        "wall_share": jnp.mean(level.walls, where=inside),
        "objects": jnp.sum(exists),
        "positive_objects": jnp.sum(exists & (level.object_reward > 0)),
        "nearest_positive": jnp.where(nearest >= 0, nearest, jnp.nan),
        "solvable": (nearest >= 0) & (nearest <= level.max_steps),
        "max_steps": level.max_steps,
        "step_reward": level.step_reward,
        "mean_respawn": jnp.mean(level.p_respawn, where=exists),
        "lifetime": level.lifetime,
    }
    return {name: number.astype(jnp.float32) for name, number in numbers.items()}
