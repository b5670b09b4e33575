"""Pictures of arcade worlds: a state, several states of an episode side by side, or many worlds as a titled figure.

The shape of an object is how it moves: a square stands still, a triangle falls, an angle crosses, a bar bounces, a disc
with an eye chases the player, and a ring flees. Its colour is its reward for touching the player, from red (-1)
through white to blue (+1), in units. A dark tile behind it means that touching costs a life. A yellow dot means that it
pays to be shot. The player is a green diamond on the greenish cells that it can reach; its shots are green dots, and
those of objects are red ones. Green bars line the goal's side.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.gridworld.render import Mark, reward_colour, save_pictures
from groove.envs.worlds.dynamics import draw_noise, reset, step
from groove.envs.worlds.levels import MEMBERS, Action, Direction, Movement, WorldLevel
from groove.envs.worlds.observations import Piece, WorldState
from groove.types import Array, Key
from groove.utils.paths import PathLike

SHOWN = 24  # steps of random play before the picture of a level
_FLOOR = np.array([0xF6, 0xF3, 0xEC], np.float32)
_OWN_FLOOR = np.array([0xDF, 0xEF, 0xE2], np.float32)
_LINE = np.array([0xDA, 0xD4, 0xC8], np.float32)
_INK = np.array([0x22, 0x26, 0x2E], np.float32)
_TILE = np.array([0x6A, 0x70, 0x7C], np.float32)
_PLAYER = np.array([0x00, 0x9E, 0x73], np.float32)
_SHOT = np.array([0xD5, 0x2B, 0x1E], np.float32)
_PRIZE = np.array([0xF0, 0xC0, 0x1E], np.float32)
_OVERSAMPLING = 4  # samples per pixel and axis, averaged for smooth edges
_KEY = (
    Mark("player", "D", _PLAYER, 6),
    Mark("still", "s", _FLOOR, 7),
    Mark("falls", r"$\blacktriangledown$", _INK, 7),
    Mark("crosses", r"$>$", _INK, 8),
    Mark("bounces", r"$\leftrightarrow$", _INK, 9),
    Mark("chases", r"$\odot$", _INK, 8),
    Mark("flees", "$\u25cb$", _INK, 8),
    Mark("pays when shot", "o", _PRIZE, 5),
    Mark("costs a life", "s", _TILE, 9),
    Mark("shot of an object", "o", _SHOT, 4),
    Mark("side that pays", r"$\blacksquare$", _PLAYER, 8),
)


def render(level: WorldLevel, state: WorldState, scale: int) -> np.ndarray:
    """Draw one state, cropped to the board.

    Args:
      level: concrete (not traced) arrays of one level.
      state: concrete arrays of one state.
      scale: width of a cell, pixels.

    Returns:
      uint8 [height * scale, width * scale, 3].
    """
    level, state = jax.device_get((level, state))
    height, width, tile = int(level.height), int(level.width), scale * _OVERSAMPLING
    cells = np.empty((height, width, tile, tile, 3), np.float32)
    cells[:] = _FLOOR
    own = (slice(None) if level.vertical else int(state.row)), (slice(None) if level.horizontal else int(state.col))
    cells[own] = _OWN_FLOOR
    line = max(1, tile // 32)
    cells[:, :, :line] = cells[:, :, -line:] = cells[:, :, :, :line] = cells[:, :, :, -line:] = _LINE
    _paint_goal(cells, int(level.goal))
    objects = Piece.read(state.objects.reshape(-1))
    for o in np.flatnonzero(objects.live):
        _paint_object(cells[objects.row[o], objects.col[o]], level, int(o) // MEMBERS, int(objects.heading[o]))
    _paint_shots(cells, state.shots, _PLAYER)
    _paint_shots(cells, state.fire, _SHOT)
    _paint_player(cells[int(state.row), int(state.col)])
    image = cells.transpose(0, 2, 1, 3, 4).reshape(height * scale, _OVERSAMPLING, width * scale, _OVERSAMPLING, 3)
    return np.round(image.mean((1, 3))).astype(np.uint8)


def render_strip(level: WorldLevel, states: WorldState, scale: int) -> np.ndarray:
    """Draw several states side by side.

    Args:
      level: concrete arrays of one level.
      states: concrete arrays, leaves [n, ...].
      scale: width of a cell, pixels.

    Returns:
      uint8 [height * scale, n * width * scale + (n - 1) * gap, 3], with white gaps of half a cell.
    """
    frames = [render(level, jax.tree.map(lambda x, i=i: x[i], states), scale) for i in range(len(states.time))]
    gap = np.full((frames[0].shape[0], scale // 2, 3), 255, np.uint8)
    return np.concatenate([part for frame in frames for part in (gap, frame)][1:], axis=1)


def play_randomly(level: WorldLevel, key: Key, steps: int) -> WorldState:
    """Return the first states of an episode of random play, leaves [1 + steps, ...]; the last one stays at the end."""
    act_key, noise_key = jax.random.split(key)
    actions = jax.random.randint(act_key, (steps,), 0, len(Action))
    noise = draw_noise(noise_key, (1 + steps,))
    start, _ = reset(level, jax.tree.map(lambda x: x[0], noise))

    def body(state: WorldState, draw: tuple[Array, jax.Array]) -> tuple[WorldState, WorldState]:
        after = step(level, state, *draw)
        state = jax.tree.map(lambda a, b: jnp.where(after.terminated | after.truncated, a, b), state, after.state)
        return state, state

    _, states = jax.lax.scan(body, start, (actions, jax.tree.map(lambda x: x[1:], noise)))
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, states)


def draw_worlds(levels: Sequence[WorldLevel], titles: Sequence[str], path: PathLike, columns: int = 6) -> None:
    """Save a figure of many worlds, each under its title, after a few steps of random play.

    Args:
      levels: concrete (not traced) levels.
      titles: one title for each level.
      path: the file to write; its suffix decides the format.
      columns: the most worlds in a row.

    Raises:
      ValueError: if there are no levels, or if the numbers of levels and titles differ.
    """
    if not levels or len(levels) != len(titles):
        raise ValueError(f"got {len(levels)} levels and {len(titles)} titles; give at least one, and as many of each.")
    batch = jax.tree.map(lambda *x: np.stack(x), *levels)
    keys = jax.random.split(jax.random.key(0), len(levels))
    states = jax.device_get(jax.jit(jax.vmap(lambda level, key: play_randomly(level, key, SHOWN)))(batch, keys))
    last = [jax.tree.map(lambda x, i=i: x[i, -1], states) for i in range(len(levels))]
    pictures = [render(level, state, 400 // int(level.height)) for level, state in zip(levels, last)]
    save_pictures(pictures, titles, path, columns, "reward for touching, units", _KEY)


def _axes(tile: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each sample's x and y, from -1 to 1, y downwards."""
    axis = (np.arange(tile) + 0.5) / tile * 2 - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return x, y


def _turned(tile: int, heading: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each sample's coordinates ahead and aside of a heading."""
    x, y = _axes(tile)
    turns = {Direction.LEFT: (-x, y), Direction.RIGHT: (x, y), Direction.UP: (-y, x), Direction.DOWN: (y, x)}
    return turns[Direction(heading)]


def _distance(tile: int, movement: int, heading: int) -> np.ndarray:
    """Return how far each sample lies from the centre of an object's shape, 1 at its outline and negative in holes."""
    ahead, aside = _turned(tile, heading)
    radius = np.hypot(ahead, aside)
    arrow = np.maximum(np.abs(aside) + 0.5 * ahead + 0.1, -ahead) / 0.55
    match movement:
        case Movement.STILL:
            return np.maximum(np.abs(ahead), np.abs(aside)) / 0.55
        case Movement.FALL:
            return arrow
        case Movement.CROSS:
            return np.maximum(np.abs(ahead + 0.9 * np.abs(aside) - 0.2) / 0.4, np.abs(aside) / 0.68)
        case Movement.BOUNCE:
            return np.maximum(np.abs(ahead) / 0.75, np.abs(aside) / 0.3)
        case Movement.CHASE:
            return np.where(radius < 0.2, 1.02, radius / 0.6)
        case _:
            return np.where(radius < 0.28, 2.0, radius / 0.65)


def _paint_object(cell: np.ndarray, level: WorldLevel, k: int, heading: int) -> None:
    rules, tile = level.classes, len(cell)
    x, y = _axes(tile)
    if rules.costs_life[k]:
        cell[np.maximum(np.abs(x), np.abs(y)) < 0.92] = _TILE
    distance = _distance(tile, int(rules.movement[k]), heading)
    cell[distance < 1.14] = _INK
    cell[distance < 1.0] = reward_colour(float(rules.touch_reward[k]))
    if level.shoots and rules.shootable[k] and rules.shot_reward[k] > 0:
        cell[np.hypot(x, y) < 0.25] = _INK
        cell[np.hypot(x, y) < 0.18] = _PRIZE


def _paint_shots(cells: np.ndarray, codes: Array, colour: np.ndarray) -> None:
    x, y = _axes(cells.shape[2])
    shots = Piece.read(codes)
    for i in np.flatnonzero(shots.live):
        cell = cells[shots.row[i], shots.col[i]]
        cell[np.hypot(x, y) < 0.34] = _INK
        cell[np.hypot(x, y) < 0.25] = colour


def _paint_player(cell: np.ndarray) -> None:
    x, y = _axes(len(cell))
    cell[np.abs(x) + np.abs(y) < 0.72] = _INK
    cell[np.abs(x) + np.abs(y) < 0.58] = _PLAYER


def _paint_goal(cells: np.ndarray, goal: int) -> None:
    if goal >= 0:
        ahead, _ = _turned(cells.shape[2], goal)
        sides = {Direction.LEFT: cells[:, 0], Direction.RIGHT: cells[:, -1], Direction.UP: cells[0]}
        for cell in sides.get(Direction(goal), cells[-1]):
            cell[ahead > 0.6] = _PLAYER
