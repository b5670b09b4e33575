"""Pictures of gridworld levels: one level as an array of pixels, or many levels as a titled figure.

Walls are dark and the floor is light. The start is a diamond. An object is a disc, coloured by its reward from red (-1)
through white to blue (+1), in colours that colour-blind readers can tell apart. The dark arc around a disc is the
probability that collecting the object ends the episode: a full circle stands for 1.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.utils.paths import PathLike

FLOOR = np.array([0xF6, 0xF3, 0xEC], np.float32)
LINE = np.array([0xE3, 0xDE, 0xD3], np.float32)
WALL = np.array([0x38, 0x3E, 0x4A], np.float32)
INK = np.array([0x22, 0x26, 0x2E], np.float32)
START = np.array([0x00, 0x9E, 0x73], np.float32)
_RAMP = np.array(  # ColorBrewer's RdBu without its two darkest ends
    [
        (178, 24, 43),
        (214, 96, 77),
        (244, 165, 130),
        (253, 219, 199),
        (255, 255, 255),
        (209, 229, 240),
        (146, 197, 222),
        (67, 147, 195),
        (33, 102, 172),
    ],
    np.float32,
)


class Mark(NamedTuple):
    """One entry of a figure's key.

    Attributes:
      label: what the mark means.
      marker: of matplotlib.
      face: its colour, [3] in [0, 255].
      size: its width, points.
    """

    label: str
    marker: str
    face: np.ndarray
    size: float


_KEY = (
    Mark("start", "D", START, 6),
    Mark("wall", "s", WALL, 8),
    Mark("object", "o", _RAMP[-2], 8),
    Mark("dark arc: probability of ending the episode", r"$\circlearrowright$", INK, 9),
)
_PICTURE = 400  # width of a level in a figure, pixels
OVERSAMPLING = 4  # samples per pixel and axis, averaged for smooth edges


def reward_colour(reward: np.ndarray | float) -> np.ndarray:
    """Return the colours of rewards, clipped to [-1, 1]: f32 [...] -> f32 [..., 3] in [0, 255]."""
    stops = np.linspace(-1.0, 1.0, len(_RAMP))
    return np.stack([np.interp(reward, stops, channel) for channel in _RAMP.T], axis=-1)


def render(level: GridLevel, sizes: GridSizes, scale: int) -> np.ndarray:
    """Draw one level, cropped to its own grid.

    Args:
      level: concrete (not traced) arrays of one level.
      sizes: static sizes of the level.
      scale: width of a cell, pixels.

    Returns:
      uint8 [size * scale, size * scale, 3].
    """
    host = jax.tree.map(np.asarray, level)
    size = int(host.size)
    floor = _floor_tile(scale * OVERSAMPLING)
    tiles: dict[int, np.ndarray] = {}  # cell -> its samples, for the cells that hold something
    for cell, reward, p_terminate in zip(host.object_cell, host.object_reward, host.p_terminate):
        if cell >= 0:
            _paint_object(tiles.setdefault(int(cell), floor.copy()), float(reward), float(p_terminate))
    _paint_start(tiles.setdefault(int(host.start), floor.copy()))
    cells = np.empty((size, size, scale, scale, 3), np.float32)
    cells[:] = _averaged(floor)
    cells[host.walls.reshape(sizes.side, sizes.side)[:size, :size]] = WALL
    for cell, tile in tiles.items():
        cells[divmod(cell, sizes.side)] = _averaged(tile)
    image = cells.transpose(0, 2, 1, 3, 4).reshape(size * scale, size * scale, 3)
    return np.round(image).astype(np.uint8)


def _averaged(tile: np.ndarray) -> np.ndarray:
    """Return the pixels of a cell from its samples, f32 [scale * OVERSAMPLING, ...] -> f32 [scale, ...]."""
    scale = len(tile) // OVERSAMPLING
    pixels: np.ndarray = tile.reshape(scale, OVERSAMPLING, scale, OVERSAMPLING, 3).mean((1, 3))
    return pixels


def draw_levels(
    levels: Sequence[GridLevel], titles: Sequence[str], sizes: GridSizes, path: PathLike, columns: int = 5
) -> None:
    """Save a figure of many levels, each under its title, with a key and a colour bar of rewards.

    Args:
      levels: concrete (not traced) levels.
      titles: one title for each level.
      sizes: static sizes of the levels.
      path: the file to write; its suffix decides the format.
      columns: the most levels in a row.

    Raises:
      ValueError: if there are no levels, or if the numbers of levels and titles differ.
    """
    if not levels or len(levels) != len(titles):
        raise ValueError(f"got {len(levels)} levels and {len(titles)} titles; give at least one, and as many of each.")
    pictures = [render(level, sizes, scale=_PICTURE // int(level.size)) for level in levels]
    save_pictures(pictures, titles, path, columns, "reward on collecting", _KEY)


def save_pictures(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    path: PathLike,
    columns: int,
    reward_label: str,
    key: Sequence[Mark],
) -> None:
    """Save a figure of pictures, each under its title, with a key and a colour bar of rewards.

    Args:
      pictures: uint8 [height, width, 3] each, of any sizes.
      titles: one title for each picture.
      path: the file to write; its suffix decides the format.
      columns: the most pictures in a row.
      reward_label: what the colours of `reward_colour` mean.
      key: the marks to explain.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and only drawing needs it
    from matplotlib.figure import Figure

    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = Figure(figsize=(max(2.1 * columns + 0.9, 4.4), 2.35 * rows + 0.55), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, picture, title in zip(axes.flat, pictures, titles):
        axis.imshow(picture, interpolation="antialiased")
        axis.set_title(title, fontsize=9, color=INK / 255)
    _add_colour_bar(figure, axes, reward_label)
    _add_key(figure, key, 4 if columns > 2 else 2)
    figure.savefig(path)


def _radius_and_turn(tile: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each sample's distance from the cell's centre (1 at the edge) and clockwise turn from the top."""
    axis = (np.arange(tile) + 0.5) / tile * 2 - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.hypot(x, y), np.arctan2(x, -y) / (2 * np.pi) % 1.0


def _floor_tile(tile: int) -> np.ndarray:
    floor = np.full((tile, tile, 3), FLOOR)
    line = max(1, tile // 32)
    floor[:line] = floor[-line:] = floor[:, :line] = floor[:, -line:] = LINE
    return floor


def _paint_object(cell: np.ndarray, reward: float, p_terminate: float) -> None:
    radius, turn = _radius_and_turn(len(cell))
    cell[radius < 0.62] = INK
    cell[radius < 0.56] = reward_colour(reward)
    ring = (radius > 0.70) & (radius < 0.86)
    cell[ring] = LINE
    cell[ring & (turn < p_terminate)] = INK


def _paint_start(cell: np.ndarray) -> None:
    axis = np.abs((np.arange(len(cell)) + 0.5) / len(cell) * 2 - 1)
    distance = axis[:, None] + axis[None, :]
    cell[distance < 0.62] = INK
    cell[distance < 0.50] = START


def _add_colour_bar(figure: Any, axes: np.ndarray, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    colours = ListedColormap(reward_colour(np.linspace(-1, 1, 256)) / 255)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), colours), ax=axes, shrink=0.8, aspect=30, pad=0.02, fraction=0.04
    )
    bar.set_label(label, fontsize=8)
    bar.set_ticks([-1, -0.5, 0, 0.5, 1])
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)


def _rgb(colour: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(channel) / 255 for channel in colour)
    return red, green, blue


def _add_key(figure: Any, key: Sequence[Mark], columns: int) -> None:
    from matplotlib.lines import Line2D

    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                linestyle="none",
                label=mark.label,
                marker=mark.marker,
                markersize=mark.size,
                markerfacecolor=_rgb(mark.face),
                markeredgecolor=_rgb(INK),
            )
            for mark in key
        ],
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=8,
        handletextpad=0.4,
    )
