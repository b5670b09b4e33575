"""One level by the name that a user gives: a named gridworld, or a level of a file or of a run."""

import re
from typing import NamedTuple

import jax
import numpy as np

from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.named import HANDCRAFTED, make_level, named_sizes
from groove.evaluation.levels.level_sets import read_levels
from groove.utils.errors import ConfigError, nearest
from groove.utils.paths import user_path


class FoundLevel(NamedTuple):
    """A level whose objects keep their cells.

    Attributes:
      name: as the user gave it.
      level: the level, NumPy arrays.
      sizes: static sizes of the level.
    """

    name: str
    level: GridLevel
    sizes: GridSizes

    def make_env(self) -> EnvFamily:
        """Build the family of environments that has this level alone."""
        return make_gridworld(self.sizes, sampler=lambda key: self.level)


def find_level(name: str) -> FoundLevel:
    """Find a level.

    Args:
      name: a named gridworld, as in "dense"; or PATH or PATH:N of a level file or a run, for the level of the highest
        score, or of the N-th highest, counted from 0.

    Raises:
      GrooveError: if there is no such level, or the file or the run cannot be read.
    """
    if name in HANDCRAFTED:
        sizes = named_sizes([name])
        return FoundLevel(name, jax.tree.map(np.asarray, make_level(name, jax.random.key(0), sizes)), sizes)
    path, index = _split(name)
    if not user_path(path, "LEVEL").exists():
        raise ConfigError(
            f'"{name}" is no level{nearest(name, HANDCRAFTED)}: give a named one ({", ".join(HANDCRAFTED)}), or a '
            "level file or a run as PATH or PATH:N."
        )
    levels = read_levels(path)
    if index >= len(levels):
        raise ConfigError(f"{path} holds {len(levels)} levels, from :0 to :{len(levels) - 1}; there is no :{index}.")
    level = jax.tree.map(lambda x: np.asarray(x)[index], levels.levels)
    return FoundLevel(name, level, levels.sizes)


def _split(name: str) -> tuple[str, int]:
    """Split PATH:N; N is 0 if the whole name is a path, or has no number."""
    match = re.fullmatch(r"(.+):(\d{1,9})", name)
    if not match or user_path(name, "LEVEL").exists():
        return name, 0
    return match[1], int(match[2])
