"""Pictures of a gridworld while an agent acts in it: what the agent has collected is gone, and a disc is the agent."""

import dataclasses

import jax
import numpy as np
import numpy.typing as npt

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.observations import GridState
from groove.envs.gridworld.render import INK, OVERSAMPLING, render

_AGENT = np.array([0xE6, 0x9F, 0x00], np.float32)
Picture = npt.NDArray[np.uint8]  # [height, width, 3]


class FramePainter:
    """Paints the states of episodes on one level whose objects keep their cells."""

    def __init__(self, level: GridLevel, sizes: GridSizes, scale: int) -> None:
        """Draw the parts that frames are put together from.

        Args:
          level: concrete (not traced) arrays of one level.
          sizes: static sizes of the level.
          scale: width of a cell, pixels.
        """
        self._level: GridLevel = jax.tree.map(np.asarray, level)
        self._side, self._scale = sizes.side, scale
        self._full = render(self._level, sizes, scale)
        nothing = np.full_like(self._level.object_cell, -1)
        self._empty = render(dataclasses.replace(self._level, object_cell=nothing), sizes, scale)

    def paint(self, state: GridState) -> Picture:
        """Return the picture of one state, uint8 [size * scale, size * scale, 3]."""
        picture = self._empty.copy()
        for o, cell in enumerate(self._level.object_cell):
            if cell >= 0 and int(state.present) >> o & 1:
                place = self._place(*divmod(int(cell), self._side))
                picture[place] = self._full[place]
        place = self._place(int(state.row), int(state.col))
        picture[place] = _with_agent(picture[place])
        return picture

    def _place(self, row: int, col: int) -> tuple[slice, slice]:
        scale = self._scale
        return slice(row * scale, (row + 1) * scale), slice(col * scale, (col + 1) * scale)


def _with_agent(cell: Picture) -> Picture:
    """Return a cell with the agent on top, uint8 [scale, scale, 3]."""
    scale = len(cell)
    axis = (np.arange(scale * OVERSAMPLING) + 0.5) / (scale * OVERSAMPLING) * 2 - 1
    radius = np.hypot(axis[:, None], axis[None, :])
    large = cell.repeat(OVERSAMPLING, 0).repeat(OVERSAMPLING, 1).astype(np.float32)
    large[radius < 0.5] = INK
    large[radius < 0.38] = _AGENT
    return np.round(large.reshape(scale, OVERSAMPLING, scale, OVERSAMPLING, 3).mean((1, 3))).astype(np.uint8)
