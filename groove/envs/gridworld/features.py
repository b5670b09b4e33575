"""What a gridworld level is like, in a few numbers for logs, tables and plots."""

import jax.numpy as jnp

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.solver import nearest_positive_object
from groove.types import Array


def describe(level: GridLevel, sizes: GridSizes) -> dict[str, Array]:
    """The level in numbers.

    Args:
      level: one level.
      sizes: of the level.

    Returns:
      f32 [] each:
        size: the grid's side, cells.
        wall_share: walls among the size**2 cells of the level's own grid.
        objects, positive_objects: how many exist, and how many of those have a reward above zero.
        nearest_positive: steps from the start to the nearest positive object; NaN where none can be reached. Where
          placement is random it is that of the level's listed cells, one placement among many.
        max_steps: the time limit, environment steps.
        step_reward: what every step pays.
        mean_respawn: mean probability of respawn per step, over the objects that exist; NaN where none does.
        lifetime: agent updates.
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
        "max_steps": level.max_steps,
        "step_reward": level.step_reward,
        "mean_respawn": jnp.mean(level.p_respawn, where=exists),
        "lifetime": level.lifetime,
    }
    return {name: number.astype(jnp.float32) for name, number in numbers.items()}
