"""A gridworld level as an SVG picture of a page, in the colours of `render`, and in words."""

import jax
import numpy as np

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.render import FLOOR, INK, LINE, START, WALL, reward_colour

_GRID_LINE, _OUTLINE, _ARC = 0.03, 0.06, 0.12  # widths, cells


def level_svg(level: GridLevel, sizes: GridSizes) -> str:
    """Return one level as an SVG element whose unit is a cell, cropped to its own grid.

    Object o is a group of class `object` with the attribute `data-object` o, so that a script can hide what an agent
    has collected. The element has the words of `level_words` as its label.

    Args:
      level: concrete (not traced) arrays of one level.
      sizes: static sizes of the level.
    """
    host = jax.tree.map(np.asarray, level)
    size = int(host.size)
    walls = np.argwhere(host.walls.reshape(sizes.side, sizes.side)[:size, :size])
    lines = "".join(f"M{i} 0V{size}M0 {i}H{size}" for i in range(size + 1))
    parts = [
        f'<svg class="level" viewBox="0 0 {size} {size}" role="img" aria-label="{level_words(level, sizes)}">',
        f'<path fill="{_hex(FLOOR)}" d="M0 0h{size}v{size}h-{size}z"/>',
        f'<path stroke="{_hex(LINE)}" stroke-width="{_GRID_LINE}" d="{lines}"/>',
        f'<path fill="{_hex(WALL)}" d="{"".join(f"M{col} {row}h1v1h-1z" for row, col in walls)}"/>',
        _start(*divmod(int(host.start), sizes.side)),
    ]
    for o, cell in enumerate(host.object_cell):
        if cell >= 0:
            place = divmod(int(cell), sizes.side)
            parts.append(_object(o, *place, float(host.object_reward[o]), float(host.p_terminate[o])))
    return "".join([*parts, "</svg>"])


def level_words(level: GridLevel, sizes: GridSizes) -> str:
    """Return a sentence that describes one level to people who do not see it."""
    host = jax.tree.map(np.asarray, level)
    size, exists = int(host.size), host.object_cell >= 0
    walls = int(host.walls.reshape(sizes.side, sizes.side)[:size, :size].sum())
    rewards = ", ".join(f"{reward:.2f}" for reward in host.object_reward[exists])
    return (
        f"Gridworld of {size} by {size} cells with {walls} walls and {int(exists.sum())} objects of reward "
        f"{rewards or 'none'}; episodes of at most {int(host.max_steps)} steps."
    )


def _start(row: int, col: int) -> str:
    middle = f"M{col + 0.5} {row + 0.5}"
    return (
        f'<path class="start" fill="{_hex(START)}" stroke="{_hex(INK)}" stroke-width="{_OUTLINE}" '
        f'd="{middle}m0 -.28l.28 .28l-.28 .28l-.28 -.28z"/>'
    )


def _object(o: int, row: int, col: int, reward: float, p_terminate: float) -> str:
    """Return a disc in the colour of its reward, in a ring that is dark for the probability of ending the episode."""
    place = f'cx="{col + 0.5}" cy="{row + 0.5}"'
    ring = f'{place} r=".39" fill="none" stroke-width="{_ARC}"'
    turned = f'transform="rotate(-90 {col + 0.5} {row + 0.5})"'
    dark = f'<circle {ring} stroke="{_hex(INK)}" pathLength="1" stroke-dasharray="{p_terminate:.3f} 2" {turned}/>'
    return (
        f'<g class="object" data-object="{o}"><circle {ring} stroke="{_hex(LINE)}"/>{dark}'
        f'<circle {place} r=".28" fill="{_hex(reward_colour(reward))}" stroke="{_hex(INK)}" '
        f'stroke-width="{_OUTLINE}"/></g>'
    )


def _hex(colour: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(channel)):02x}" for channel in colour)
