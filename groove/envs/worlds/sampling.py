"""The distribution of arcade worlds: rules drawn so that most worlds can be played well and are not won by chance.

A world has one main source of reward, of four: prizes to touch, targets to shoot, a side of the board to reach, or a
reward for every step survived. Its first class of objects serves that source: prizes, targets, or else dangers. Every
other class draws a role of its own. The role decides from which distribution the rules of the class are drawn::

    prize      pays for touching, and vanishes
    target     pays for being shot; may cost a life and shoot
    danger     costs a life; may shoot, and be shot
    nuisance   costs reward
    absent     no objects; its rules are those of a nuisance, for edits that add objects

A player who moves along one axis only meets what crosses that axis. In such worlds prizes, and the first class unless
it is to be shot, move across the axis or lie on the player's line. The player's shots fly across the board.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.base import Factor
from groove.envs.gridworld.levels import log_uniform, log_uniform_int, uniform_int
from groove.envs.worlds.levels import (
    CLASSES,
    LONGEST_DELAY,
    MEMBERS,
    MOST_LIVES,
    PERIODS,
    SIDE,
    ClassRules,
    Direction,
    Movement,
    WorldLevel,
)
from groove.types import Array, Key

UNITS = (0.1, 1.0)  # range of the unit of reward, log-uniform
SHORTEST, LONGEST = 50, 400  # time limits, log-uniform
SMALLEST = 6  # height and width, uniform up to SIDE
SPAWN = (0.02, 0.3)  # probability per step, log-uniform
FIRE = (0.03, 0.3)  # probability per step, log-uniform
STICKY = 0.25  # the largest probability of a repeated action

PRIZE, TARGET, DANGER, NUISANCE, ABSENT = range(5)  # roles
_PRIZES, _TARGETS, _GOAL, _SURVIVAL = range(4)  # main sources
_SOURCES = (0.4, 0.25, 0.2, 0.15)
_FIRST_ROLE = np.array([PRIZE, TARGET, DANGER, DANGER], np.int32)
_ROLES = (0.2, 0.15, 0.3, 0.1, 0.25)
_MOVEMENTS = np.array(  # of each role: still, fall, cross, bounce, chase, flee
    [
        (0.25, 0.25, 0.2, 0.15, 0.0, 0.15),
        (0.15, 0.2, 0.25, 0.25, 0.1, 0.05),
        (0.05, 0.25, 0.25, 0.25, 0.2, 0.0),
        (0.2, 0.2, 0.2, 0.2, 0.2, 0.0),
        (0.2, 0.2, 0.2, 0.2, 0.2, 0.0),
    ]
)
_WORLD_DRAWS, _CLASS_DRAWS = 24, 24
DRAWS = _WORLD_DRAWS + CLASSES * _CLASS_DRAWS
_WORLD_FACTORS = {  # the order in which `make_world` reads its numbers
    "height": (0,),
    "width": (1,),
    "axes": (2,),
    "source": (3,),
    "shoots": (4,),
    "pays_steps": (10,),  # whether there is a reward at every step, and its size
    "step_reward": (11,),
    "delays": (13,),
    "delay": (14,),
    "is_sticky": (15,),
    "sticky": (16,),
    "lives": (17,),
    "steps": (18,),
    "lifetime": (19,),
}
_CLASS_FACTORS = {"movement": 0, "period": 4, "count": 9, "spawn": 12, "role": _CLASS_DRAWS - 1}


class Frame(NamedTuple):
    """The board and the player, on which the rules of a class depend."""

    height: Array  # int32 []
    width: Array  # int32 []
    row: Array  # int32 []: the player's start
    col: Array  # int32 []
    horizontal: Array  # bool []
    vertical: Array  # bool []


def sample_world(key: Key, min_lifetime: int, max_lifetime: int, units: tuple[float, float]) -> WorldLevel:
    """Draw a world.

    Args:
      key: the only source of randomness.
      min_lifetime, max_lifetime: the range of lifetimes, log-uniform, agent updates.
      units: the range of the unit of reward, log-uniform.
    """
    return make_world(jax.random.uniform(key, (DRAWS,)), min_lifetime, max_lifetime, units)


def make_world(u: Array, min_lifetime: int, max_lifetime: int, units: tuple[float, float]) -> WorldLevel:
    """Make a world of random numbers, f32 [DRAWS], all uniform in [0, 1); the rest as in `sample_world`."""
    draw = iter(u[:_WORLD_DRAWS])
    height, width = (uniform_int(next(draw), SMALLEST, SIDE) for _ in range(2))
    axes = choose(next(draw), (0.3, 0.2, 0.5))
    horizontal, vertical = axes != 1, axes != 0
    source = choose(next(draw), _SOURCES)
    shoots = (source == _TARGETS) | (next(draw) < 0.3)
    aim = _across(next(draw), horizontal, vertical)
    along = _across(next(draw), vertical, horizontal)  # a direction in which the player can move
    goal = jnp.where(source == _GOAL, along, -1)
    row, col = _start(next(draw), height, width, horizontal, vertical, jnp.where(shoots, aim, -1), goal)
    frame = Frame(height, width, row, col, horizontal, vertical)
    u_classes = u[_WORLD_DRAWS:].reshape(CLASSES, _CLASS_DRAWS)
    roles = choose(u_classes[:, -1], _ROLES).at[0].set(jnp.asarray(_FIRST_ROLE)[source])
    roles = jnp.where((roles == TARGET) & ~shoots, PRIZE, roles)
    must_meet = (roles == PRIZE) | (jnp.arange(CLASSES) == 0) & (roles == DANGER)
    return WorldLevel(
        height=height,
        width=width,
        start_row=row,
        start_col=col,
        horizontal=horizontal,
        vertical=vertical,
        shoots=shoots,
        aim=aim,
        goal=goal,
        goal_reward=jnp.where(source == _GOAL, 1.0, 0.0),
        hit_reward=sometimes(next(draw), next(draw) - 1.0),
        step_reward=_step_reward(next(draw), next(draw), source == _SURVIVAL),
        unit=log_uniform(next(draw), *units),
        delay=sometimes(next(draw), uniform_int(next(draw), 1, LONGEST_DELAY)),
        p_sticky=sometimes(next(draw), STICKY * next(draw)),
        lives=uniform_int(next(draw), 1, MOST_LIVES),
        max_steps=log_uniform_int(next(draw), SHORTEST, LONGEST),
        lifetime=log_uniform_int(next(draw), min_lifetime, max_lifetime),
        classes=jax.vmap(sample_class, (0, 0, 0, None, None))(u_classes, roles, must_meet, frame, shoots),
    )


def factors(min_lifetime: int, max_lifetime: int) -> tuple[Factor, ...]:
    """Return what a curriculum may choose, with the places in the random numbers of `make_world`.

    The unit of reward is no factor, because a curriculum that seeks large regrets would always choose the largest unit.
    """
    world = {
        name: places for name, places in _WORLD_FACTORS.items() if name != "lifetime" or min_lifetime < max_lifetime
    }
    starts = range(_WORLD_DRAWS, DRAWS, _CLASS_DRAWS)
    classes = {name: tuple(start + place for start in starts) for name, place in _CLASS_FACTORS.items()}
    return tuple(itertools.starmap(Factor, {**world, **classes}.items()))


def sample_class(u: Array, role: Array, must_meet: Array, frame: Frame, shoots: Array) -> ClassRules:
    """Draw the rules of one class by its role.

    Args:
      u: f32 [draws], uniform in [0, 1); the last decides about the role, and is not read here.
      role: int32 [].
      must_meet: bool [], whether the class is worth nothing if its objects cannot meet the player.
      frame: of the world.
      shoots: bool [], whether the player shoots.

    Returns:
      ClassRules whose leaves lack the axis C.
    """
    draw = itertools.islice(u, _CLASS_DRAWS - 1)
    prize, target, danger = (role == which for which in (PRIZE, TARGET, DANGER))
    movement = choose(next(draw), jnp.asarray(_MOVEMENTS, jnp.float32)[role])
    across = _across(next(draw), frame.horizontal, frame.vertical)
    direction = jnp.where((next(draw) < 0.7) | must_meet, across, uniform_int(next(draw), 0, 3))
    pursues = (movement == Movement.CHASE) | (movement == Movement.FLEE)
    period = jnp.asarray(PERIODS)[jnp.maximum(choose(next(draw), (0.4, 0.4, 0.2)), pursues)]
    size, shot_size = next(draw), next(draw)
    loss = jnp.where(danger | target, sometimes(next(draw), -size), -0.1 - 0.4 * size)
    tip = jnp.where(danger, sometimes(next(draw), 0.5 * shot_size), 0.0)
    still, falls = movement == Movement.STILL, movement == Movement.FALL
    return ClassRules(
        count=jnp.where(role == ABSENT, 0, uniform_int(next(draw), 1, MEMBERS)),
        movement=movement,
        direction=direction,
        both_ways=next(draw) < 0.4,
        period=period,
        at_start=next(draw) < jnp.where(falls, 0.2, 0.7),
        p_spawn=log_uniform(next(draw), *SPAWN),
        area=sample_area(jnp.stack([next(draw) for _ in range(4)]), movement, direction, must_meet, frame),
        touch_reward=jnp.where(prize, 0.2 + 0.8 * size, loss),
        costs_life=danger | target & (next(draw) < 0.5),
        vanishes=prize | still | (next(draw) < 0.7),
        shootable=shoots & (target | (next(draw) < 0.4)),
        shot_reward=jnp.where(target, 0.2 + 0.8 * shot_size, tip),
        p_fire=jnp.where((danger | target) & (next(draw) < 0.3), log_uniform(next(draw), *FIRE), 0.0),
    )


def sample_area(u: Array, movement: Array, direction: Array, must_meet: Array, frame: Frame) -> Array:
    """Draw the rectangle where objects of a class appear.

    Falling objects appear on the whole edge that they come from. Still and fleeing objects that must meet a player who
    moves along one axis only appear on the player's line. All others appear in a random rectangle.

    Args:
      u: f32 [4], uniform in [0, 1).
      movement: int32 [], a Movement.
      direction: int32 [], a Direction.
      must_meet: bool [], whether the objects must be able to meet the player.
      frame: of the world.

    Returns:
      int32 [4]: first row, last row, first column, last column.
    """
    rows, cols = ((x * size).astype(jnp.int32) for x, size in ((u[:2], frame.height), (u[2:], frame.width)))
    drawn = jnp.stack([jnp.min(rows), jnp.max(rows), jnp.min(cols), jnp.max(cols)])
    row = jnp.where(frame.vertical, drawn[:2], frame.row)
    col = jnp.where(frame.horizontal, drawn[2:], frame.col)
    stays = must_meet & ((movement == Movement.STILL) | (movement == Movement.FLEE))
    area = jnp.where(stays, jnp.concatenate([row, col]), drawn)
    last_row, last_col = frame.height - 1, frame.width - 1
    from_row = jnp.where(direction == Direction.UP, last_row, 0)
    from_col = jnp.where(direction == Direction.LEFT, last_col, 0)
    by_row = (direction == Direction.UP) | (direction == Direction.DOWN)
    edge = jnp.where(by_row, jnp.stack([from_row, from_row, 0, last_col]), jnp.stack([0, last_row, from_col, from_col]))
    return jnp.where(movement == Movement.FALL, edge, area)


def choose(u: Array, weights: Array | tuple[float, ...]) -> Array:
    """Map u, f32 [...] uniform in [0, 1), to indices of these probabilities, int32 [...]."""
    bounds = jnp.cumsum(jnp.asarray(weights))[:-1]
    return jnp.sum(u[..., None] >= bounds, axis=-1, dtype=jnp.int32)


def sometimes(u: Array, value: Array) -> Array:
    """Return the value for half of all u in [0, 1), otherwise zero."""
    return jnp.where(u < 0.5, value, 0)


def _across(u: Array, horizontal: Array, vertical: Array) -> Array:
    """Draw a direction across the axis of a player with one axis, any direction for a player with two."""
    pair = uniform_int(u, 0, 1)
    one = jnp.where(horizontal, Direction.UP + pair, Direction.LEFT + pair)
    return jnp.where(horizontal & vertical, uniform_int(u, 0, 3), one).astype(jnp.int32)


def _start(
    u: Array, height: Array, width: Array, horizontal: Array, vertical: Array, aim: Array, goal: Array
) -> tuple[Array, Array]:
    """Return the player's start: opposite to the goal; on one axis, opposite to where shots fly, or at an edge."""
    last_row, last_col = height - 1, width - 1
    row, col = height // 2, width // 2
    facing = jnp.where(horizontal & vertical, -1, aim)
    row = jnp.where(vertical, row, jnp.where(u < 0.5, last_row, 0))
    col = jnp.where(horizontal, col, jnp.where(u < 0.5, last_col, 0))
    for away in (facing, goal):
        row = jnp.where(away == Direction.UP, last_row, jnp.where(away == Direction.DOWN, 0, row))
        col = jnp.where(away == Direction.LEFT, last_col, jnp.where(away == Direction.RIGHT, 0, col))
    return row, col


def _step_reward(u_sign: Array, u_size: Array, survival: Array) -> Array:
    """Draw the reward of every step: positive if survival is the main source, otherwise mostly zero, of either sign."""
    small = log_uniform(u_size, 0.002, 0.05) * jnp.where(u_sign < 0.1, 1.0, -1.0)
    return jnp.where(survival, 0.05 + 0.15 * u_size, jnp.where(u_sign < 0.2, small, 0.0))
