"""The state of an episode in an arcade world, and what agents observe of it."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import MultiHot
from groove.envs.worlds.levels import CELLS, CLASSES, CLOCK, MEMBERS, MOST_LIVES, SHOTS, SIDE, Action
from groove.types import Array

PLANES = 1 + 2 * CLASSES + 1 + 4
_OWN_SHOTS = 1 + 2 * CLASSES  # the plane of the player's shots
_SHOTS_OF_OBJECTS = _OWN_SHOTS + 1  # the first of four planes
_LIVES = PLANES * CELLS
_CLOCK = _LIVES + MOST_LIVES
_ACTION = _CLOCK + CLOCK
OBSERVATION = MultiHot(_ACTION + len(Action), 1 + CLASSES * MEMBERS + SHOTS + CLASSES + 3)


class Piece(NamedTuple):
    """Objects or shots of any shape; row, column and heading of a piece that is not live mean nothing."""

    row: Array  # int32 [...]
    col: Array  # int32 [...]
    heading: Array  # int32 [...]: a Direction
    live: Array  # bool [...]

    @staticmethod
    def read(code: Array) -> "Piece":
        """Return the pieces of codes, int32 [...]."""
        return Piece(row=code >> 4 & 15, col=code & 15, heading=code >> 8 & 3, live=code >= 0)

    def code(self, live: Array | None = None) -> Array:
        """Return one word of state for each piece: 256 heading + 16 row + column, or -1 if not live, int32 [...].

        Args:
          live: bool [...]; if None, all pieces are taken to be live.
        """
        code = self.heading << 8 | self.row << 4 | self.col
        return code if live is None else jnp.where(live, code, -1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class WorldState:
    """The state of an episode."""

    row: Array  # int32 [], of the player
    col: Array  # int32 []
    objects: Array  # int32 [C, M]: codes of the objects
    shots: Array  # int32 [P]: codes of the player's shots
    fire: Array  # int32 [C]: code of the shot of an object of each class
    lives: Array  # int32 [], left
    action: Array  # int32 []: the previous action, after stickiness
    owed: Array  # f32 [D]: rewards to be paid in 1, ..., D steps
    time: Array  # int32 []: environment steps taken


def observe(state: WorldState) -> Array:
    """Return the indices that an agent observes, int32 [active]; -1 for a piece that is not live.

    A piece on a cell is plane * SIDE**2 + row * SIDE + column. The planes are the player; two planes for each class,
    of objects that head left or up, and of those that head right or down; the player's shots; and the objects' shots,
    one plane for each direction. After the planes come one index each for the lives left, the clock (time modulo the
    longest period), and the previous action. The state is thus observed, except rewards that are still owed.
    """
    objects, fire = Piece.read(state.objects), Piece.read(state.fire)
    pieces = [
        _index(objects, 1 + 2 * jnp.arange(CLASSES)[:, None] + (objects.heading & 1)).reshape(-1),
        _index(Piece.read(state.shots), jnp.int32(_OWN_SHOTS)),
        _index(fire, _SHOTS_OF_OBJECTS + fire.heading),
    ]
    numbers = [
        state.row * SIDE + state.col,
        jnp.where(state.lives > 0, _LIVES + state.lives - 1, -1),
        _CLOCK + (state.time & (CLOCK - 1)),
        _ACTION + state.action,
    ]
    return jnp.concatenate([jnp.stack(numbers), *pieces])


def _index(pieces: Piece, plane: Array) -> Array:
    return jnp.where(pieces.live, plane * CELLS + pieces.row * SIDE + pieces.col, -1)
