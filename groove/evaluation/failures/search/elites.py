"""The result of a search: the elites, measured again with new agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import GridSizes
from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.archive import Indices
from groove.evaluation.failures.search.search import regret_of
from groove.utils.bootstrap import Floats


@dataclass(frozen=True)
class Failures:
    """The elites of a search, the worst first.

    Attributes:
      levels: GridLevel [m], as NumPy arrays.
      cells: i64[m, 2], the range of each elite on each axis.
      found: f64[m], the regret that made each an elite, which is too high: it was the largest of many noisy ones.
      returns: f64[rules, m], returns of new agents, of the rule first and then of its references.
      names: the rule and its references.
      axes: the axes of the archive.
      coverage: i64[batches], elites after each batch.
      quality: f64[batches], the sum of the elites' regrets, where positive, after each batch.
      evaluated: i64[batches], levels evaluated after each batch.
      settings: of the search.
    """

    levels: Any
    cells: Indices
    found: Floats
    returns: Floats
    names: Sequence[str]
    axes: Sequence[Axis]
    coverage: Indices
    quality: Floats
    evaluated: Indices
    settings: Mapping[str, Any]

    @property
    def regret(self) -> Floats:
        """The return of the best reference minus the rule's, of new agents, f64[m]."""
        return regret_of(self.returns)

    def level_set(self, count: int) -> LevelSet:
        """Return the `count` elites of highest regret."""
        levels = jax.tree.map(lambda x: x[:count], self.levels)
        return LevelSet(levels, GridSizes(), self.regret[:count].astype(np.float32), dict(self.settings))


def numbers_of(failures: Failures) -> dict[str, Any]:
    """Return the numbers of a search as JSON values; elites are in the order of archive.safetensors."""
    regret = failures.regret
    return {
        "settings": dict(failures.settings),
        "coverage": f"{len(regret)} of {np.prod([len(axis) for axis in failures.axes])} cells",
        "mean_regret": float(regret.mean()),
        "mean_regret_when_found": float(failures.found.mean()),
        "curve": {
            "evaluated": failures.evaluated.tolist(),
            "coverage": failures.coverage.tolist(),
            "quality": failures.quality.tolist(),
        },
        "elites": [
            {
                **{
                    axis.feature: axis.labels()[place]
                    for axis, place in zip(failures.axes, failures.cells[i], strict=True)
                },
                "regret": float(regret[i]),
                "regret_when_found": float(failures.found[i]),
                "returns": dict(zip(failures.names, failures.returns[:, i].tolist(), strict=True)),
            }
            for i in range(len(regret))
        ],
    }
