"""Levels of runs and files: read, chosen, described, drawn and written."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.gridworld.features import describe
from groove.envs.gridworld.level_file import LevelSet, check_level_set, load_levels, save_levels
from groove.envs.gridworld.levels import log_uniform_int
from groove.envs.gridworld.render import draw_levels
from groove.evaluation.levels.level_json import as_json, from_json
from groove.utils.errors import ConfigError
from groove.utils.io import one_line, parse_json, write_json
from groove.utils.limits import MOST_LIFETIME, check_integer
from groove.utils.paths import PathLike, check_file, user_path, writing

LEVEL_SUFFIXES = (".safetensors", ".json")
PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
_COLUMNS = 8  # of a picture


def read_levels(source: PathLike, top: int = 0) -> LevelSet:
    """Return the levels of a level file, or of a run: those of its buffer, or those in use if it has no buffer.

    Args:
      source: a run directory or a level file.
      top: number of levels to keep, those with the highest scores; 0 for all levels.

    Returns:
      The levels, sorted by score, the highest first and levels without a score last.

    Raises:
      GrooveError: if the source cannot be read or holds no levels.
    """
    from groove.training.run_levels import levels_of_run

    if top < 0:
        raise ConfigError(f"--top = {top} must be at least 1, or 0 for all levels.")
    path = user_path(source, "--from")
    levels = levels_of_run(path) if path.is_dir() else load_levels(path)
    order = np.argsort(-np.nan_to_num(levels.scores, nan=-np.inf), kind="stable")
    return levels.take(order[: top or len(order)])


def import_levels(source: PathLike) -> LevelSet:
    """Return the levels of a JSON file as `export_levels` writes it.

    Raises:
      GrooveError: if the file cannot be read, is not such JSON, or holds a level that the dynamics would misread.
    """
    path = user_path(source, "--from")
    try:
        levels = from_json(parse_json(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {one_line(error)}; give a JSON file with --from.") from error
    except ValueError as error:
        raise ConfigError(
            f"{path} is not JSON as levels.py export writes it ({one_line(error)}): correct it, or export the levels "
            "again."
        ) from error
    check_level_set(path, levels)
    return levels


def export_levels(levels: LevelSet, to: PathLike, *, force: bool = False) -> Path:
    """Write levels as a level file (.safetensors), which `--curriculum set:FILE` trains on, or as JSON (.json) to edit.

    Args:
      levels: the levels.
      to: the file.
      force: replace a file that exists.

    Returns:
      The file.

    Raises:
      GrooveError: if the file has another suffix, exists, or cannot be written.
    """
    path = check_target(to, LEVEL_SUFFIXES, force)
    if path.suffix == ".safetensors":
        save_levels(path, levels)
    else:
        with writing(path, "Choose another --to."):
            write_json(path, as_json(levels))
    return path


def draw_level_set(levels: LevelSet, to: PathLike, *, force: bool = False) -> Path:
    """Draw levels under their scores.

    Args:
      levels: the levels.
      to: the picture, .png, .pdf or .svg.
      force: replace a file that exists.

    Returns:
      The picture.

    Raises:
      GrooveError: if the file has another suffix, exists, or cannot be written.
    """
    path = check_target(to, PICTURE_SUFFIXES, force)
    rows = [jax.tree.map(lambda x, i=i: np.asarray(x)[i], levels.levels) for i in range(len(levels))]
    titles = [f"{score:.2f}" if np.isfinite(score) else f"level {i}" for i, score in enumerate(levels.scores)]
    with writing(path, "Choose another --to."):
        draw_levels(rows, titles, levels.sizes, path, columns=_COLUMNS)
    return path


def with_lifetimes(levels: LevelSet, low: int, high: int) -> LevelSet:
    """Return the levels with new lifetimes of agents, log-uniform in {low, ..., high}.

    Levels that were scored at one lifetime can thus be trained on at many. The lifetime of the i-th level depends on i,
    low and high only.

    Args:
      levels: the levels.
      low: the shortest lifetime, in agent updates.
      high: the longest lifetime, in agent updates.

    Raises:
      ConfigError: unless 1 <= low <= high <= MOST_LIFETIME.
    """
    for value in (low, high):
        check_integer("--lifetimes", value, MOST_LIFETIME)
    if low > high:
        raise ConfigError(f"--lifetimes {low},{high}: give the shortest and the longest, as in 100,1000.")
    u = np.random.default_rng(0).random(len(levels))
    lifetime: Any = np.asarray(log_uniform_int(jnp.asarray(u), low, high), np.int32)
    about = {**levels.about, "lifetimes": [low, high]}
    return dataclasses.replace(levels, levels=dataclasses.replace(levels.levels, lifetime=lifetime), about=about)


def level_features(levels: LevelSet) -> dict[str, np.ndarray]:
    """Return the scores and the features of levels: name -> [levels]."""
    features = jax.vmap(lambda level: describe(level, levels.sizes))(jax.tree.map(np.asarray, levels.levels))
    return {"score": np.asarray(levels.scores), **{name: np.asarray(values) for name, values in features.items()}}


def check_target(to: PathLike, suffixes: tuple[str, ...], force: bool) -> Path:
    """Return the file to write, after checking that it can be written.

    Raises:
      GrooveError: if the file has another suffix, exists without `force`, or cannot be written.
    """
    path = user_path(to, "--to")
    if path.suffix not in suffixes:
        *others, last = suffixes
        endings = f"{', '.join(others)} or {last}" if others else last
        raise ConfigError(f"{path}: end the file's name in {endings}.")
    if path.exists() and not force:
        raise ConfigError(f"{path} exists; choose another --to, or replace it with --force.")
    check_file(path, "--to")
    return path
