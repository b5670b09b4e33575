"""An archive of elites: the level of highest regret in each cell over two features (Mouret and Clune 2015)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from groove.envs.level_axes import Axis
from groove.utils.bootstrap import Floats
from groove.utils.errors import missing_extra

Indices = npt.NDArray[np.int64]


class Archive:
    """The elites of all levels that were evaluated. Levels are known by their number."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        """Build an empty archive.

        Raises:
          MissingExtraError: if the package ribs is not installed.
        """
        try:
            from ribs.archives import GridArchive
        except ImportError as error:
            raise missing_extra("ribs", "search") from error
        sides = [len(axis) for axis in axes]
        self._grid = GridArchive(
            solution_dim=(),
            dims=sides,
            ranges=[(0.0, float(side)) for side in sides],
            solution_dtype=np.int64,
        )

    def add(self, numbers: Indices, regret: Floats, cells: Indices) -> None:
        """Offer levels to the archive: each takes its cell if its regret is higher than that of the cell's elite.

        Args:
          numbers: i64[n], the levels.
          regret: f64[n].
          cells: i64[n, 2], the range of each level on each axis; levels with a range of -1 are in no cell.
        """
        placed = (cells >= 0).all(1)
        if placed.any():
            self._grid.add(numbers[placed], regret[placed], cells[placed] + 0.5)

    @property
    def elites(self) -> Indices:
        """The numbers of the elites, i64[m], by cell."""
        levels, cells = (np.asarray(self._grid.data(field), np.int64) for field in ("solution", "index"))
        return levels[np.argsort(cells)]

    @property
    def cells(self) -> int:
        """The number of cells, with or without an elite."""
        return int(self._grid.cells)

    @property
    def coverage(self) -> int:
        """The number of cells that have an elite."""
        return int(self._grid.stats.num_elites)

    @property
    def quality(self) -> float:
        """The sum of the elites' regrets, where positive: the QD-score (Pugh et al. 2016)."""
        return float(np.maximum(self._grid.data("objective"), 0.0).sum())
