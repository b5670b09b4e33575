"""The levels that a run trains on: those with the highest scores, or those in use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from groove.envs.gridworld.levels import GridLevel
from groove.meta.groups import Group, unpack
from groove.meta.trainer import TrainState
from groove.types import PyTree
from groove.utils.processes import is_first, to_host

MOST_DRAWN = 24  # levels in one picture


def trained_levels(
    groups: Sequence[Group], index: int, state: TrainState, count: int
) -> tuple[PyTree, npt.NDArray[np.float32]]:
    """Return the scored levels of a group's buffer, best first, or the levels in use if the group has no buffer.

    Args:
      groups: of the run.
      index: of the group.
      state: of the run.
      count: levels of the buffer to return, at most.

    Returns:
      Levels [n] as NumPy arrays, and their scores f32[n]; NaN for levels in use.
    """
    top = groups[index].curriculum.top
    if top is None:
        levels = to_host(unpack(state.levels, groups)[index].level)
        return levels, np.full(len(jax.tree.leaves(levels)[0]), np.nan, np.float32)
    levels, scores = to_host(top(unpack(state.curriculum, groups)[index], count))
    scored = np.isfinite(scores)
    return jax.tree.map(lambda x: np.asarray(x)[scored], levels), np.asarray(scores)[scored]


def can_be_saved(levels: PyTree, group: Group) -> bool:
    """Return whether levels are gridworlds whose objects keep their cells, as level files need."""
    return isinstance(levels, GridLevel) and group.setup.env.describe is not None


def draw_trained_levels(
    groups: Sequence[Group], index: int, state: TrainState, buffer_size: int, picture: Path
) -> None:
    """Draw the levels of a group with their scores; draw nothing if there are none or the family cannot draw.

    Args:
      groups: of the run.
      index: of the group.
      state: of the run.
      buffer_size: B.
      picture: the file to write.
    """
    group = groups[index]
    draw = group.setup.env.draw
    if draw is None:
        return
    levels, scores = trained_levels(groups, index, state, min(MOST_DRAWN, buffer_size))
    titles = _titles(group.curriculum.name, scores[:MOST_DRAWN])
    each: list[Any] = [jax.tree.map(lambda x, i=i: x[i], levels) for i in range(len(titles))]
    if each and is_first():
        draw(each, titles, picture)


def _titles(curriculum: str, scores: npt.NDArray[np.float32]) -> list[str]:
    score_name = "regret" if curriculum == "ar" else curriculum
    return [f"{score_name} {score:.2f}" if np.isfinite(score) else f"level {i}" for i, score in enumerate(scores)]
