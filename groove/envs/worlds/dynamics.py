"""Dynamics of arcade worlds. The order within a step:

1. The action is replaced by the previous one with probability `p_sticky`. The player moves; the edge stops the player.
2. SHOOT puts a shot, if one is left, on the player's cell. All the player's shots move one cell; the edge ends them.
3. Meeting: an object on the cell of a shot is shot, if it is shootable. Other objects on the player's cell touch the
   player. Shot objects, and touching objects of classes that vanish, are gone.
4. The objects left move, if their class moves in this step. They meet shots and player as in 3. Whoever touched the
   player in 3 and again now has touched once. Shots that have hit end.
5. Shots of objects hit the player on their cell; the others move one cell and may hit then; the edge ends them. Each
   class that had no shot may fire one: the first of its objects that wants to, from its cell at the start of the step.
6. Objects that were missing at the start of the step may appear. They meet nothing before the next step.
7. Rewards are added up. A costly touch or a hit costs a life, never more than one a step. After a lost life, or on a
   cell of the goal's side, the player returns to the start.
8. The episode terminates with the last life; otherwise, the time limit truncates it.
9. The reward is paid, `delay` steps later. The last step of an episode pays all that is owed.

Classes are advanced one after another in a loop, in which every object yields one word. XLA thus computes each object
once, in a loop over the whole batch. Without the loop it would fuse all meetings into every number that depends on
them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Step
from groove.envs.gridworld.levels import event_threshold
from groove.envs.worlds.levels import (
    CLASSES,
    LONGEST_DELAY,
    MEMBERS,
    SHOTS,
    Action,
    ClassRules,
    Direction,
    Movement,
    WorldLevel,
    offsets,
)
from groove.envs.worlds.observations import Piece, WorldState, observe
from groove.types import Array, Key

_OBJECTS = CLASSES * MEMBERS
_LIVE, _TOUCHED, _HITS = 10, 11, 12  # bits of a word, above the code of the piece


class _Player(NamedTuple):
    """The player in the middle of a step."""

    row: Array  # int32 []
    col: Array  # int32 []
    shots: list[Piece]  # P times []


class _OneClass(NamedTuple):
    """The fields of one class that a step reads; with a leading axis C, those of all classes."""

    rules: ClassRules
    objects: tuple[Array, ...]  # M times int32 [], codes
    fire: Array  # int32 [], code
    which: Array  # uint32 []: k


def draw_noise(key: Key, shape: tuple[int, ...]) -> Array:
    """Draw the randomness of `shape` steps or resets: one uint32 each, from which `word_of` makes further words."""
    return jax.random.bits(key, shape, jnp.uint32)


def word_of(noise: Array, index: Array | int) -> Array:
    """Return one of the random words of a step or reset, uint32: its noise, mixed with the index as in MurmurHash3.

    Word k * M + m belongs to object m of class k: bits 0 to 15 decide whether the object appears or shoots, bits 16 to
    23 about its row, and bits 24 to 31 about its column. Bits 0 to 15 of the next word decide about stickiness, and its
    bit 16 + k * M + m about the object's heading. A step and the reset that may follow it can share their noise: in a
    step, rows, columns and headings are only for objects that appear, which cannot end the episode in the same step.

    Args:
      noise: uint32, drawn by `draw_noise`.
      index: of the word, uint32; noise and index may be arrays.
    """
    x = noise + (jnp.uint32(index) + 1) * jnp.uint32(0x9E3779B9)
    x = (x ^ x >> 16) * jnp.uint32(0x85EBCA6B)
    x = (x ^ x >> 13) * jnp.uint32(0xC2B2AE35)
    return x ^ x >> 16


def reset(level: WorldLevel, noise: Array) -> tuple[WorldState, Array]:
    """Begin an episode: the player at the start, and objects in their areas where a class starts with them."""
    rules, index = level.classes, jnp.arange(CLASSES, dtype=jnp.uint32)
    objects = [
        jnp.where(rules.at_start & (m < rules.count), _new_object(rules, noise, index, m), -1) for m in range(MEMBERS)
    ]
    state = WorldState(
        row=level.start_row,
        col=level.start_col,
        objects=jnp.stack(objects, axis=1),
        shots=jnp.full(SHOTS, -1, jnp.int32),
        fire=jnp.full(CLASSES, -1, jnp.int32),
        lives=level.lives,
        action=jnp.int32(Action.STAY),
        owed=jnp.zeros(LONGEST_DELAY),
        time=jnp.int32(0),
    )
    return state, observe(state)


def step(level: WorldLevel, state: WorldState, action: Array, noise: Array) -> Step:
    """Make one step, in the order of this module's docstring."""
    repeats = _event(word_of(noise, _OBJECTS), level.p_sticky)
    action = jnp.where(repeats, state.action, action)
    row, col = _move_player(level, state, action)
    shots = _move_shots(level, state.shots, row, col, level.shoots & (action == Action.SHOOT))
    words, fire = _advance_classes(level, state, _Player(row, col, shots), noise)

    rules = level.classes
    touches = sum((word >> _TOUCHED & 1 for word in words), jnp.int32(0))  # [C]
    downs = sum(((word >> _HITS != 0).astype(jnp.int32) for word in words), jnp.int32(0))  # [C]
    hit = jnp.any(fire >> _TOUCHED & 1 == 1)
    lost = hit | jnp.any((touches > 0) & rules.costs_life)
    at_goal = _is_at_goal(level, row, col)
    reward = jnp.sum(touches * rules.touch_reward + downs * rules.shot_reward) + level.step_reward
    reward += jnp.where(hit, level.hit_reward, 0.0) + jnp.where(at_goal, level.goal_reward, 0.0)

    lives, time = state.lives - lost, state.time + 1
    terminated = lives <= 0
    truncated = ~terminated & (time >= level.max_steps)
    paid, owed = _pay(level, state.owed, level.unit * reward, terminated | truncated)
    back = lost | at_goal
    following = WorldState(
        row=jnp.where(back, level.start_row, row),
        col=jnp.where(back, level.start_col, col),
        objects=jnp.stack([_code(word) for word in words], axis=1),
        shots=jnp.stack([_spend(shot, words, p) for p, shot in enumerate(shots)]),
        fire=_code(fire),
        lives=lives,
        action=action,
        owed=owed,
        time=time,
    )
    return Step(following, observe(following), paid, terminated, truncated)


def _word(piece: Piece, touched: Array, hits: Array) -> Array:
    """Return a piece after a step, whether it touched the player, and bits of the shots that hit it, in one word."""
    code = piece.code() & (1 << _LIVE) - 1
    return code | piece.live.astype(jnp.int32) << _LIVE | touched.astype(jnp.int32) << _TOUCHED | hits << _HITS


def _code(word: Array) -> Array:
    return jnp.where(word >> _LIVE & 1 == 1, word & (1 << _LIVE) - 1, -1)


def _spend(shot: Piece, words: tuple[Array, ...], p: int) -> Array:
    """Return the code of the player's shot p after a step, -1 if it has hit."""
    hits = jnp.bool_(False)
    for word in words:
        hits |= jnp.any(word >> _HITS + p & 1 == 1)
    return shot.code(shot.live & ~hits)


def _event(word: Array, p: Array) -> Array:
    return word & 0xFFFF < event_threshold(p)


def _is_inside(level: WorldLevel, row: Array, col: Array) -> Array:
    return (row >= 0) & (row < level.height) & (col >= 0) & (col < level.width)


def _move_player(level: WorldLevel, state: WorldState, action: Array) -> tuple[Array, Array]:
    rows, cols = offsets(action - 1)  # SHOOT and STAY are no directions
    row, col = state.row + jnp.where(level.vertical, rows, 0), state.col + jnp.where(level.horizontal, cols, 0)
    return jnp.clip(row, 0, level.height - 1), jnp.clip(col, 0, level.width - 1)


def _move_shots(level: WorldLevel, codes: Array, row: Array, col: Array, fires: Array) -> list[Piece]:
    """Put a new shot in the first free place, and move all shots."""
    rows, cols = offsets(level.aim)
    moved = []
    for p in range(SHOTS):
        shot = Piece.read(codes[p])
        new = fires & ~shot.live
        fires = fires & ~new
        to_row, to_col = jnp.where(new, row, shot.row) + rows, jnp.where(new, col, shot.col) + cols
        live = (shot.live | new) & _is_inside(level, to_row, to_col)
        moved.append(Piece(to_row, to_col, level.aim, live))
    return moved


def _advance_classes(
    level: WorldLevel, state: WorldState, player: _Player, noise: Array
) -> tuple[tuple[Array, ...], Array]:
    """Advance all classes; return the words of their objects, M times int32 [C], and of their shots, int32 [C]."""

    def body(_: None, one: _OneClass) -> tuple[None, tuple[tuple[Array, ...], Array]]:
        objects = tuple(_advance_object(level, one, m, player, state.time, noise) for m in range(MEMBERS))
        return None, (objects, _advance_fire(level, one, player, noise))

    objects = tuple(state.objects[:, m] for m in range(MEMBERS))
    classes = _OneClass(level.classes, objects, state.fire, jnp.arange(CLASSES, dtype=jnp.uint32))
    return jax.lax.scan(body, None, classes)[1]


def _advance_object(level: WorldLevel, one: _OneClass, m: int, player: _Player, time: Array, noise: Array) -> Array:
    """Let object m of a class meet, move and meet, or appear; return its word."""
    rules, before = one.rules, Piece.read(one.objects[m])
    touched, hits = _meet(rules, before, player)
    piece = before._replace(live=before.live & (hits == 0) & ~(touched & rules.vanishes))
    piece = _move(level, rules, piece, player, time)
    touched_now, hits_now = _meet(rules, piece, player)
    live = piece.live & (hits_now == 0) & ~(touched_now & rules.vanishes)
    appears = ~before.live & (m < rules.count) & _event(word_of(noise, one.which * MEMBERS + m), rules.p_spawn)
    new = Piece.read(_new_object(rules, noise, one.which, m))
    row, col, heading = (jnp.where(appears, a, b) for a, b in zip(new[:3], piece[:3]))
    return _word(Piece(row, col, heading, appears | live), touched | touched_now, hits | hits_now)


def _meet(rules: ClassRules, piece: Piece, player: _Player) -> tuple[Array, Array]:
    """Return whether an object touches the player, bool [], and bits of the shots that hit it, int32 []; see step 3."""
    hits = jnp.int32(0)
    for p, shot in enumerate(player.shots):
        same = shot.live & (piece.row == shot.row) & (piece.col == shot.col)
        hits |= jnp.where(piece.live & rules.shootable & same, 1 << p, 0)
    return piece.live & (hits == 0) & (piece.row == player.row) & (piece.col == player.col), hits


def _move(level: WorldLevel, rules: ClassRules, piece: Piece, player: _Player, time: Array) -> Piece:
    """Move an object if its class moves at this time; see `Movement`."""
    movement = rules.movement
    falls, crosses, bounces = (movement == kind for kind in (Movement.FALL, Movement.CROSS, Movement.BOUNCE))
    pursuit = jnp.where(movement == Movement.CHASE, 1, jnp.where(movement == Movement.FLEE, -1, 0))
    gap_row, gap_col = player.row - piece.row, player.col - piece.col
    by_row = jnp.abs(gap_row) >= jnp.abs(gap_col)
    ahead_row, ahead_col = offsets(piece.heading)
    straight = falls | crosses | bounces
    moves = time & (rules.period - 1) == 0
    rows = jnp.where(straight, ahead_row, jnp.where(by_row, pursuit * jnp.sign(gap_row), 0))
    cols = jnp.where(straight, ahead_col, jnp.where(by_row, 0, pursuit * jnp.sign(gap_col)))
    rows, cols = jnp.where(moves, rows, 0), jnp.where(moves, cols, 0)
    to_row, to_col = piece.row + rows, piece.col + cols
    out = ~_is_inside(level, to_row, to_col)

    def settle(at: Array, to: Array, by: Array, size: Array) -> Array:
        around = jnp.where(to < 0, size - 1, jnp.where(to >= size, 0, to))
        return jnp.where(out, jnp.where(crosses, around, jnp.where(bounces, at - by, at)), to)

    return Piece(
        row=settle(piece.row, to_row, rows, level.height),
        col=settle(piece.col, to_col, cols, level.width),
        heading=jnp.where(out & bounces, piece.heading ^ 1, piece.heading),
        live=piece.live & ~(out & falls),
    )


def _advance_fire(level: WorldLevel, one: _OneClass, player: _Player, noise: Array) -> Array:
    """Move the shot of a class, or let one of its objects shoot; return the word of the shot, which touches if it hits.

    Shots fly along columns at a player who moves only horizontally, along rows at one who moves only vertically, and
    otherwise along the axis on which the player is farther away.
    """
    shot = Piece.read(one.fire)
    rows, cols = offsets(shot.heading)
    to_row, to_col = shot.row + rows, shot.col + cols
    met = (shot.row == player.row) & (shot.col == player.col) | (to_row == player.row) & (to_col == player.col)
    flies = shot.live & ~met & _is_inside(level, to_row, to_col)

    shooter = jnp.int32(-1)
    for m, code in reversed(list(enumerate(one.objects))):
        wants = _event(word_of(noise, one.which * MEMBERS + m), one.rules.p_fire)
        shooter = jnp.where((code >= 0) & wants, code, shooter)
    at = Piece.read(shooter)
    gap_row, gap_col = player.row - at.row, player.col - at.col
    by_row = ~level.vertical | level.horizontal & (jnp.abs(gap_row) >= jnp.abs(gap_col))
    vertical = jnp.where(gap_row < 0, int(Direction.UP), int(Direction.DOWN))
    sideways = jnp.where(gap_col < 0, int(Direction.LEFT), int(Direction.RIGHT))
    fired = (at.row, at.col, jnp.where(by_row, vertical, sideways))
    row, col, heading = (jnp.where(shot.live, a, b) for a, b in zip((to_row, to_col, shot.heading), fired))
    return _word(Piece(row, col, heading, jnp.where(shot.live, flies, at.live)), shot.live & met, jnp.int32(0))


def _is_at_goal(level: WorldLevel, row: Array, col: Array) -> Array:
    sides = {Direction.LEFT: col == 0, Direction.RIGHT: col == level.width - 1}
    sides |= {Direction.UP: row == 0, Direction.DOWN: row == level.height - 1}
    reached = jnp.zeros((), bool)
    for side, there in sides.items():
        reached |= (level.goal == side) & there
    return reached


def _pay(level: WorldLevel, owed: Array, reward: Array, done: Array) -> tuple[Array, Array]:
    """Return what is paid now, f32 [], and what is owed after the step, f32 [D]."""
    due = jnp.arange(LONGEST_DELAY) == level.delay - 1
    paid = jnp.where(level.delay == 0, reward, owed[0])
    owed = jnp.append(owed[1:], 0.0) + jnp.where(due, reward, 0.0)
    return paid + jnp.where(done, jnp.sum(owed), 0.0), owed


def _new_object(rules: ClassRules, noise: Array, index: Array, m: int) -> Array:
    """Return the code of object m of a class at a drawn cell of its area; with an axis C, of one for each class."""
    word = word_of(noise, index * MEMBERS + m)
    coin = (word_of(noise, _OBJECTS) >> 16 + index * MEMBERS + m & 1).astype(jnp.int32)
    first_row, last_row, first_col, last_col = jnp.moveaxis(rules.area, -1, 0)
    row_byte, col_byte = (word >> 16 & 0xFF).astype(jnp.int32), (word >> 24).astype(jnp.int32)
    free = rules.both_ways & ((rules.movement == Movement.CROSS) | (rules.movement == Movement.BOUNCE))
    row = first_row + (row_byte * (last_row - first_row + 1) >> 8)
    col = first_col + (col_byte * (last_col - first_col + 1) >> 8)
    return Piece(row, col, rules.direction ^ jnp.where(free, coin, 0), free).code()
