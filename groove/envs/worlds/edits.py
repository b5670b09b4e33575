"""Small random edits of arcade worlds: one rule is drawn anew, so that it surely changes.

A rule is a number of the world or of one class (of the class's area, all four). The board, the player's moves, the aim
and the goal stay. The first class always keeps objects and positive rewards, because it may be the world's only
source of reward. A class without objects gets some, whatever rule of the class was to be edited. Edits may make a world
hopeless: the curriculum judges whether a world can be played.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from groove.envs.gridworld.levels import log_uniform, log_uniform_int, uniform_int
from groove.envs.worlds.levels import CLASSES, LONGEST_DELAY, MEMBERS, MOST_LIVES, PERIODS, Movement, WorldLevel
from groove.envs.worlds.sampling import FIRE, LONGEST, SHORTEST, SPAWN, STICKY, Frame, sample_area
from groove.types import Array, Key

_DRAWS = 4


def mutate(key: Key, level: WorldLevel, units: tuple[float, float]) -> WorldLevel:
    """Change one rule of a level; a valid level stays valid.

    Args:
      key: the only source of randomness.
      level: one level; vmap batches it.
      units: the range of the unit of reward, log-uniform.
    """
    u_edit, u_class, *u = jax.random.uniform(key, (2 + _DRAWS,))
    k = uniform_int(u_class, 0, CLASSES - 1)
    of_world, of_class = _edits_of_world(level, u, units), _edits_of_class(level, k, u)
    edit = uniform_int(u_edit, 0, len(of_world) + len(of_class) - 1)
    is_empty = (edit >= len(of_world)) & (level.classes.count[k] == 0)
    edit = jnp.where(is_empty, len(of_world), edit)  # the first edit of a class gives it objects
    return jax.lax.switch(edit, of_world + of_class)


def _edits_of_world(level: WorldLevel, u: list[Array], units: tuple[float, float]) -> list[Callable[[], WorldLevel]]:
    def change(name: str, value: Array) -> Callable[[], WorldLevel]:
        changed: dict[str, Any] = {name: value.astype(getattr(level, name).dtype)}
        return lambda: dataclasses.replace(level, **changed)

    return [
        change("lives", _other(u[0], level.lives, 1, MOST_LIVES)),
        change("max_steps", _other_limit(u[0], level.max_steps)),
        change("delay", _other(u[0], level.delay, 0, LONGEST_DELAY)),
        change("step_reward", jnp.where(level.step_reward > 0, 0.2, -0.05) * (1.0 - u[0])),
        change("hit_reward", -(1.0 - u[0])),
        change("unit", log_uniform(u[0], *units)),
        change("p_sticky", STICKY * (1.0 - u[0])),
    ]


def _edits_of_class(level: WorldLevel, k: Array, u: list[Array]) -> list[Callable[[], WorldLevel]]:
    rules = jax.tree.map(lambda x: x[k], level.classes)
    frame = Frame(level.height, level.width, level.start_row, level.start_col, level.horizontal, level.vertical)
    first = k == 0

    def change(name: str, value: Array) -> Callable[[], WorldLevel]:
        all_values = getattr(level.classes, name)
        changed = all_values.at[k].set(value.astype(all_values.dtype))
        return lambda: dataclasses.replace(level, classes=dataclasses.replace(level.classes, **{name: changed}))

    periods = jnp.asarray(PERIODS)
    place = jnp.sum(periods < rules.period)
    return [
        change("count", _other(u[0], rules.count, jnp.where(first, 1, 0), MEMBERS)),
        change("movement", _other(u[0], rules.movement, 0, len(Movement) - 1)),
        change("direction", _other(u[0], rules.direction, 0, 3)),
        change("both_ways", ~rules.both_ways),
        change("period", periods[_other(u[0], place, 0, len(PERIODS) - 1)]),
        change("at_start", ~rules.at_start),
        change("p_spawn", log_uniform(u[0], *SPAWN)),
        change("area", _other_area(jnp.stack(u), rules.area, rules.movement, rules.direction, frame)),
        change("touch_reward", _other_reward(u[0], rules.touch_reward, first)),
        change("shot_reward", _other_reward(u[0], rules.shot_reward, first)),
        change("costs_life", ~rules.costs_life),
        change("vanishes", ~rules.vanishes),
        change("p_fire", jnp.where((rules.p_fire > 0) & (u[1] < 0.5), 0.0, log_uniform(u[0], *FIRE))),
    ]


def _other(u: Array, old: Array, low: int | Array, high: int) -> Array:
    """Return another integer of {low, ..., high} than `old`, uniformly."""
    new = low + jnp.minimum((u * (high - low)).astype(jnp.int32), high - low - 1)
    return new + (new >= old)


def _other_limit(u: Array, old: Array) -> Array:
    """Return another time limit than `old`."""
    new = log_uniform_int(u, SHORTEST, LONGEST - 1)
    return new + (new >= old)


def _other_reward(u: Array, old: Array, keeps_sign: Array) -> Array:
    """Return a reward of U(-1, 1), or, where the sign must stay, of the old sign; zero becomes negative."""
    return jnp.where(keeps_sign, jnp.where(old > 0, 1.0 - u, u - 1.0), 2.0 * u - 1.0)


def _other_area(u: Array, old: Array, movement: Array, direction: Array, frame: Frame) -> Array:
    """Return another rectangle than `old`: the drawn one, or one row of the old one."""
    anywhere = jnp.where(movement == Movement.FALL, Movement.STILL, movement)
    drawn = sample_area(u, anywhere, direction, jnp.bool_(False), frame)
    row = jnp.where(old[0] == old[1], (old[0] + 1) % frame.height, old[0])
    fallback = jnp.stack([row, row, old[2], old[3]])
    return jnp.where(jnp.all(drawn == old), fallback, drawn)
