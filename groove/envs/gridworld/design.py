"""The design of gridworlds: which random numbers decide about what."""

import jax.numpy as jnp

from groove.envs.base import Design, Factor
from groove.envs.gridworld.levels import (
    PER_OBJECT,
    SCALARS,
    STEP_REWARD_DRAWS,
    GridLevel,
    GridSizes,
    LevelDistribution,
    level_draws,
    make_level,
)
from groove.types import Array


def make_design(dist: LevelDistribution, sizes: GridSizes) -> Design:
    """Build the design of random gridworlds.

    Designed levels differ from `sample_level`'s in one respect: the number of wall draws is uniform from 0 to twice
    `dist.walls`, so that a curriculum can choose it. Places of walls, start and objects are no factors.

    Args:
      dist: the ranges; factors whose range is one value are left out.
      sizes: static sizes that hold every level of `dist`.
    """
    common = level_draws(dist, sizes)
    walls, step_reward = common, common + 1
    scalars = {name: (dist.max_size**2 + i,) for i, name in enumerate(SCALARS)}
    first_row = dist.max_size**2 + len(SCALARS)
    rows = {
        name: tuple(range(first_row + i * sizes.objects, first_row + (i + 1) * sizes.objects))
        for i, name in enumerate(PER_OBJECT)
    }
    step_rewards = ("pays_steps", "step_sign", "step_reward") if dist.step_reward_share else ()
    factors = {
        **scalars,
        "walls": (walls,),
        "other_rewards": rows["reward"][1:],  # the first object's reward is a number of its own
        "terminate": rows["terminate"],
        "respawn": rows["respawn"],
        **{name: (step_reward + i,) for i, name in enumerate(step_rewards)},
    }
    fixed = {
        "size": dist.min_size == dist.max_size,
        "objects": dist.max_objects == 1,
        "steps": dist.min_steps == dist.max_steps,
        "lifetime": dist.min_lifetime == dist.max_lifetime,
        "walls": dist.walls == 0,
        "other_rewards": dist.max_objects == 1,
        "terminate": dist.min_terminate == dist.max_terminate,
        "respawn": dist.min_respawn == dist.max_respawn,
        "step_reward": dist.min_step_reward == dist.max_step_reward,
    }

    def make(u: Array) -> GridLevel:
        wall_draws = jnp.floor(u[walls] * (2 * dist.walls + 1)).astype(jnp.int32)
        return make_level(u[:common], u[step_reward:], wall_draws, dist, sizes)

    chosen = tuple(Factor(name, places) for name, places in factors.items() if not fixed.get(name, False))
    return Design(make, step_reward + STEP_REWARD_DRAWS, chosen)
