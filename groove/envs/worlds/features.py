"""Features of an arcade world: a few numbers for logs, tables and plots."""

import jax.numpy as jnp

from groove.envs.worlds.levels import Movement, WorldLevel
from groove.types import Array


def describe(level: WorldLevel) -> dict[str, Array]:
    """Return the features of a world.

    Returns:
      A dictionary of f32 []; a class counts if the world has objects of it:

      * height, width: of the board, cells.
      * axes: 2 if the player moves in four directions, otherwise 1.
      * shoots: whether the player shoots.
      * goal: whether a side of the board pays.
      * classes: number of classes.
      * objects: most objects at once.
      * prizes: classes with a positive reward for touching.
      * targets: classes that the player can shoot for a positive reward.
      * dangers: classes whose touch or shots cost a life.
      * moving: classes that move.
      * best_touch: the largest positive reward for touching, units; NaN if there is none.
      * mean_period: mean steps from one move to the next over the moving classes; NaN if there is none.
      * mean_spawn: mean probability per step that a missing object appears; NaN if there is no class.
      * lives: at the start.
      * step_reward: of every step, units.
      * unit: of reward.
      * delay: steps by which rewards are paid later.
      * sticky: probability that an action is repeated.
      * max_steps: the time limit, environment steps.
      * lifetime: agent updates.
    """
    rules = level.classes
    exists = rules.count > 0
    moving = exists & (rules.movement != Movement.STILL)
    fires = rules.p_fire > 0
    touch = jnp.max(jnp.where(exists, rules.touch_reward, -jnp.inf))
    numbers = {
        "height": level.height,
        "width": level.width,
        "axes": level.horizontal.astype(int) + level.vertical,
        "shoots": level.shoots,
        "goal": level.goal >= 0,
        "classes": jnp.sum(exists),
        "objects": jnp.sum(rules.count),
        "prizes": jnp.sum(exists & (rules.touch_reward > 0)),
        "targets": jnp.sum(exists & level.shoots & rules.shootable & (rules.shot_reward > 0)),
        "dangers": jnp.sum(exists & (rules.costs_life | fires)),
        "moving": jnp.sum(moving),
        "best_touch": jnp.where(touch > 0, touch, jnp.nan),
        "mean_period": jnp.mean(rules.period, where=moving),
        "mean_spawn": jnp.mean(rules.p_spawn, where=exists),
        "lives": level.lives,
        "step_reward": level.step_reward,
        "unit": level.unit,
        "delay": level.delay,
        "sticky": level.p_sticky,
        "max_steps": level.max_steps,
        "lifetime": level.lifetime,
    }
    return {name: jnp.asarray(number).astype(jnp.float32) for name, number in numbers.items()}
