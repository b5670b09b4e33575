"""The rules of an arcade world: the fields of a level, the static sizes, and the names of actions and movements."""

from dataclasses import dataclass
from enum import IntEnum

import jax
import jax.numpy as jnp

from groove.types import Array

SIDE = 10  # G: boards of every height and width up to this lie in the upper left corner of a grid of this side
CELLS = SIDE * SIDE
CLASSES = 4  # C
MEMBERS = 3  # M
SHOTS = 2  # P, in flight at once
LONGEST_DELAY = 20  # D, environment steps
MOST_LIVES = 3
PERIODS = (1, 2, 4)  # powers of two: the clock that agents observe has as many entries as the longest period
CLOCK = max(PERIODS)


class Direction(IntEnum):
    """Directions in which pieces move; opposite directions differ in the lowest bit."""

    LEFT = 0
    RIGHT = 1
    UP = 2
    DOWN = 3


class Action(IntEnum):
    """Actions of every world; one that the world's rules do not use does nothing. A move is 1 + its direction."""

    STAY = 0
    LEFT = 1
    RIGHT = 2
    UP = 3
    DOWN = 4
    SHOOT = 5


class Movement(IntEnum):
    """How the objects of a class move, one cell every `period` steps."""

    STILL = 0  # never
    FALL = 1  # straight on, and off the board at its edge
    CROSS = 2  # straight on, and in again at the opposite edge
    BOUNCE = 3  # straight on, and back from the edge
    CHASE = 4  # towards the player
    FLEE = 5  # away from the player, as far as the edge


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ClassRules:
    """The rules of C classes of objects."""

    count: Array  # int32 [C]: most objects at once, at most M; 0 if the world lacks the class
    movement: Array  # int32 [C]: a Movement
    direction: Array  # int32 [C]: a Direction, of FALL, CROSS and BOUNCE
    both_ways: Array  # bool [C]: whether each new object of CROSS or BOUNCE draws the direction or its opposite
    period: Array  # int32 [C]: steps from one move to the next, one of PERIODS
    at_start: Array  # bool [C]: whether episodes start with all objects; otherwise with none
    p_spawn: Array  # f32 [C]: probability per step that a missing object appears
    area: Array  # int32 [C, 4]: first row, last row, first column, last column of the cells where objects appear
    touch_reward: Array  # f32 [C]: for touching the player, units
    costs_life: Array  # bool [C]: whether touching the player costs a life
    vanishes: Array  # bool [C]: whether an object that touches the player disappears
    shootable: Array  # bool [C]: whether the player's shots remove objects; otherwise they pass
    shot_reward: Array  # f32 [C]: for being shot, units
    p_fire: Array  # f32 [C]: probability per step that an object shoots at the player


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WorldLevel:
    """An arcade world. Rewards are multiples of `unit`."""

    height: Array  # int32 []: rows of the board, at most SIDE
    width: Array  # int32 []: columns of the board, at most SIDE
    start_row: Array  # int32 []: of the player, at the start and after a lost life or a goal
    start_col: Array  # int32 []
    horizontal: Array  # bool []: whether the player moves left and right
    vertical: Array  # bool []: whether the player moves up and down
    shoots: Array  # bool []: whether the player shoots
    aim: Array  # int32 []: the Direction of the player's shots
    goal: Array  # int32 []: the side, a Direction, whose cells pay `goal_reward` and send the player back; -1 for none
    goal_reward: Array  # f32 [], units
    hit_reward: Array  # f32 []: for being hit by an object's shot, which also costs a life, units
    step_reward: Array  # f32 []: of every step, units
    unit: Array  # f32 []: what all rewards are multiplied with
    delay: Array  # int32 []: steps by which rewards are paid later, at most D
    p_sticky: Array  # f32 []: probability per step that the previous action is repeated instead of the agent's
    lives: Array  # int32 []: 1 to MOST_LIVES
    max_steps: Array  # int32 []: the time limit, environment steps
    lifetime: Array  # int32 []: agent updates
    classes: ClassRules


def offsets(direction: Array) -> tuple[Array, Array]:
    """Return the row and column steps of directions, int32 each, of the shape of `direction`."""
    rows = (direction == Direction.DOWN).astype(jnp.int32) - (direction == Direction.UP)
    cols = (direction == Direction.RIGHT).astype(jnp.int32) - (direction == Direction.LEFT)
    return rows, cols
