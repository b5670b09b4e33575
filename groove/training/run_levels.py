"""The levels of a run, restored from its latest checkpoint."""

from pathlib import Path

from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import sizes_of
from groove.meta.groups import unpack
from groove.training.saved_run import load_run
from groove.training.trained_levels import can_be_saved, trained_levels
from groove.utils.errors import ConfigError


def levels_of_run(path: Path) -> LevelSet:
    """Return the scored levels of a run's buffer, or the levels in use if the run has no buffer.

    Args:
      path: the run directory.

    Raises:
      GrooveError: if the directory holds no run or no checkpoint, if its levels are not gridworlds with fixed objects,
        or if no level has a score yet.
    """
    run = load_run(path)
    groups = run.parts.groups
    in_use = unpack(run.state.levels, groups)
    index = next((i for i, group in enumerate(groups) if can_be_saved(in_use[i].level, group)), None)
    if index is None:  # moving objects have no cells to save
        raise ConfigError(
            f'{path} was trained on "{run.config.curriculum}", whose levels are not gridworlds that stay the same.'
        )
    levels, scores = trained_levels(groups, index, run.state, run.config.plr.buffer_size)
    if not len(scores):
        raise ConfigError(f"{path} has no scored level yet; train it for longer.")
    about = {"run": path.name, "curriculum": run.config.curriculum, "meta_steps": run.step}
    return LevelSet(levels, sizes_of(levels, run.config.sizes), scores, about)
