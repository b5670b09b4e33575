"""The levels that a run trains on: those with the highest scores, or those in use."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from groove.curriculum.base import Curriculum
from groove.envs.gridworld.levels import GridLevel
from groove.meta.trainer import TrainState
from groove.training.build import Parts
from groove.types import PyTree

MOST_DRAWN = 24  # levels in one picture


def trained_levels(curriculum: Curriculum, state: TrainState, count: int) -> tuple[PyTree, npt.NDArray[np.float32]]:
    """Return the scored levels of the buffer, best first, or the levels in use if the curriculum has no buffer.

    Args:
      curriculum: of the run.
      state: of the run.
      count: levels of the buffer to return, at most.

    Returns:
      Levels [n] as NumPy arrays, and their scores f32[n]; NaN for levels in use.
    """
    if curriculum.top is None:
        levels = jax.device_get(state.levels.level)
        return levels, np.full(len(jax.tree.leaves(levels)[0]), np.nan, np.float32)
    levels, scores = jax.device_get(curriculum.top(state.curriculum, count))
    scored = np.isfinite(scores)
    return jax.tree.map(lambda x: np.asarray(x)[scored], levels), np.asarray(scores)[scored]


def can_be_saved(levels: PyTree, parts: Parts) -> bool:
    """Return whether levels are gridworlds whose objects keep their cells, as level files need."""
    return isinstance(levels, GridLevel) and parts.env.describe is not None


def draw_trained_levels(parts: Parts, state: TrainState, buffer_size: int, picture: Path) -> None:
    """Draw the levels of a run with their scores; draw nothing if there are none or the family cannot draw.

    Args:
      parts: of the run.
      state: of the run.
      buffer_size: B.
      picture: the file to write.
    """
    if parts.env.draw is None:
        return
    levels, scores = trained_levels(parts.curriculum, state, min(MOST_DRAWN, buffer_size))
    titles = _titles(parts.curriculum.name, scores[:MOST_DRAWN])
    each: list[Any] = [jax.tree.map(lambda x, i=i: x[i], levels) for i in range(len(titles))]
    if each:
        parts.env.draw(each, titles, picture)


def _titles(curriculum: str, scores: npt.NDArray[np.float32]) -> list[str]:
    score_name = "regret" if curriculum == "ar" else curriculum
    return [f"{score_name} {score:.2f}" if np.isfinite(score) else f"level {i}" for i, score in enumerate(scores)]
