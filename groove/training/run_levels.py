"""The levels of a run, restored from its latest checkpoint."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import GridLevel, sizes_of
from groove.training.build import Parts, build
from groove.training.checkpoint import Checkpointer
from groove.training.config import Config
from groove.training.legacy import read_config
from groove.training.loop import levels_in_use
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError


def levels_of_run(path: Path) -> LevelSet:
    """Return the scored levels of a run's buffer, or the levels in use if the run has no buffer.

    Args:
      path: the run directory.

    Raises:
      GrooveError: if the directory holds no run or no checkpoint, if its levels are not gridworlds with fixed objects,
        or if no level has a score yet.
    """
    run = RunDir(path.absolute())
    config = dataclasses.replace(read_config(run.read_config()), devices=1)
    parts = build(config)
    checkpoints = Checkpointer(run.checkpoints, read_only=True)
    state, _, step = checkpoints.restore(parts.trainer.init(jax.random.key(config.seed)))
    checkpoints.close()
    levels, scores = _scored_levels(parts, config, state)
    if not isinstance(levels, GridLevel) or parts.env.describe is None:  # moving objects have no cells to save
        raise ConfigError(f'{path} was trained on "{config.curriculum}", whose levels are not gridworlds that stay.')
    if not len(scores):
        raise ConfigError(f"{path} has no scored level yet; train it for longer.")
    levels = jax.tree.map(np.asarray, jax.device_get(levels))
    about = {"run": path.name, "curriculum": config.curriculum, "meta_steps": step}
    return LevelSet(levels, sizes_of(levels, config.sizes), np.asarray(scores), about)


def _scored_levels(parts: Parts, config: Config, state: Any) -> tuple[Any, Any]:
    """Return levels [n, ...] and their scores f32[n]; scores are NaN if the curriculum keeps none."""
    if parts.curriculum.top is None:
        levels: Any = levels_in_use(state)
        return levels, np.full(len(jax.tree.leaves(levels)[0]), np.nan, np.float32)
    levels, scores = parts.curriculum.top(state.curriculum, config.plr.buffer_size)
    keep = np.isfinite(scores)
    levels, scores = jax.tree.map(lambda x: np.asarray(x)[keep], (levels, scores))
    return levels, scores
