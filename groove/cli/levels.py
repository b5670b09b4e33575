"""What launch/levels.py calls: levels of runs and files, listed, drawn, exported, imported; exit code 2 complains."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.gridworld.level_file import LevelSet, layout, load_levels, save_levels
from groove.envs.gridworld.levels import GridLevel, GridSizes, log_uniform_int, sizes_of
from groove.envs.gridworld.render import draw_levels
from groove.training.legacy import read_config
from groove.training.run_dir import RunDir
from groove.utils.errors import ConfigError, nearest
from groove.utils.io import to_json, write_json

COMMANDS = ("list", "draw", "export", "import")


def levels(
    command: str, source: str, to: str | None, top: int, force: bool = False, lifetimes: Sequence[str] = ()
) -> int:
    """Runs one command; returns the exit code.

    Args:
      command: "list" prints a table; "draw" makes a picture; "export" writes a level file (.safetensors), which
        `--curriculum set:FILE` takes, or JSON (.json), to be read and edited; "import" makes a level file of JSON.
      source: a run directory, a level file, or, for import, JSON as export writes it.
      to: the file to write; not for "list".
      top: the highest-scoring levels, best first; 0 for all.
      force: replaces a file that exists.
      lifetimes: the shortest and the longest that are drawn for the levels, log-uniformly, in place of their own.
    """
    try:
        if command not in COMMANDS:
            raise ConfigError(f'unknown command "{command}"{nearest(command, COMMANDS)}; say {", ".join(COMMANDS)}.')
        if command != "list" and to is None:
            raise ConfigError(f"{command} needs --to, the file to write.")
        if to is not None and Path(to).exists() and not force:
            raise ConfigError(f"{to} exists; choose another --to, or replace it with --force.")
        chosen = _import(Path(source)) if command == "import" else best(load(Path(source)), top)
        if lifetimes:
            chosen = with_lifetimes(chosen, *_range(lifetimes))
        if to is None:
            print(table(chosen))
        else:
            _write(command, chosen, Path(to))
            print(f"{len(chosen)} levels in {to}")
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    return 0


def load(source: Path) -> LevelSet:
    """The levels of a level file, or of a run: those of its buffer, or those in use where it keeps none."""
    return _of_run(source) if source.is_dir() else load_levels(source)


def best(chosen: LevelSet, top: int) -> LevelSet:
    """The `top` highest-scoring levels, best first, those without a score last; all of them for 0."""
    order = np.argsort(-np.nan_to_num(chosen.scores, nan=-np.inf), kind="stable")
    return chosen.take(order[: top or len(order)])


def with_lifetimes(chosen: LevelSet, low: int, high: int) -> LevelSet:
    """The levels with lifetimes of agents from {low, ..., high}, log-uniform; those of the first few are the same ones.

    Levels that were scored at one lifetime are trained on at many so.
    """
    u = np.random.default_rng(0).random(len(chosen))
    lifetime: Any = np.asarray(log_uniform_int(jnp.asarray(u), low, high), np.int32)
    about = {**chosen.about, "lifetimes": [low, high]}
    return dataclasses.replace(chosen, levels=dataclasses.replace(chosen.levels, lifetime=lifetime), about=about)


def _range(words: Sequence[str]) -> tuple[int, int]:
    if len(words) != 2 or not all(word.isdecimal() for word in words) or not 0 < int(words[0]) <= int(words[1]):
        raise ConfigError(f"--lifetimes {','.join(words)}: give the shortest and the longest, as in 100,1000.")
    return int(words[0]), int(words[1])


def table(chosen: LevelSet) -> str:
    """One line a level: its score and what describes it."""
    from groove.envs.gridworld.features import describe

    features = jax.vmap(lambda level: describe(level, chosen.sizes))(jax.tree.map(np.asarray, chosen.levels))
    names = ["score", *features]
    columns = [np.asarray(chosen.scores), *(np.asarray(values) for values in features.values())]
    lines = ["level  " + "  ".join(f"{name:>16}" for name in names)]
    for i in range(len(chosen)):
        lines.append(f"{i:5}  " + "  ".join(f"{column[i]:16.3f}" for column in columns))
    return "\n".join(lines)


def _of_run(path: Path) -> LevelSet:
    from groove.training.build import build
    from groove.training.checkpoint import Checkpointer
    from groove.training.loop import levels_in_use

    run = RunDir(path.absolute())
    config = read_config(run.read_config())
    config = dataclasses.replace(config, devices=1)
    parts = build(config)
    checkpoints = Checkpointer(run.checkpoints, read_only=True)
    state, _, step = checkpoints.restore(parts.trainer.init(jax.random.key(config.seed)))
    checkpoints.close()
    found: Any
    scores: Any
    if parts.curriculum.top is None:
        found = levels_in_use(state)
        scores = np.full(len(jax.tree.leaves(found)[0]), np.nan, np.float32)
    else:
        found, scores = parts.curriculum.top(state.curriculum, config.plr.buffer_size)
        keep = np.isfinite(scores)
        found, scores = jax.tree.map(lambda x: np.asarray(x)[keep], (found, scores))
    if not isinstance(found, GridLevel) or parts.env.describe is None:  # objects that move have no cells to save
        raise ConfigError(f'{path} was trained on "{config.curriculum}", whose levels are not gridworlds that stay.')
    if not len(scores):
        raise ConfigError(f"{path} has no scored level yet; train it for longer.")
    about = {"run": path.name, "curriculum": config.curriculum, "meta_steps": step}
    found = jax.tree.map(np.asarray, jax.device_get(found))
    return LevelSet(found, sizes_of(found, config.sizes), np.asarray(scores), about)


def _write(command: str, chosen: LevelSet, path: Path) -> None:
    if command == "draw":
        rows = [jax.tree.map(lambda x, i=i: np.asarray(x)[i], chosen.levels) for i in range(len(chosen))]
        titles = [f"{score:.2f}" if np.isfinite(score) else f"level {i}" for i, score in enumerate(chosen.scores)]
        draw_levels(rows, titles, chosen.sizes, path, columns=8)
    elif path.suffix == ".json":
        write_json(path, _as_json(chosen))
    elif path.suffix == ".safetensors":
        save_levels(path, chosen)
    else:
        raise ConfigError(f"{path}: end the file's name in .safetensors or .json.")


def _as_json(chosen: LevelSet) -> dict[str, Any]:
    fields = {field.name: np.asarray(getattr(chosen.levels, field.name)) for field in dataclasses.fields(GridLevel)}
    rows = [{name: to_json(values[i]) for name, values in fields.items()} for i in range(len(chosen))]
    scores = [float(score) if np.isfinite(score) else None for score in chosen.scores]
    return {"about": dict(chosen.about), "sizes": dataclasses.asdict(chosen.sizes), "levels": rows, "scores": scores}


def _import(path: Path) -> LevelSet:
    try:
        values = json.loads(path.read_text())
        rows, sizes = values["levels"], GridSizes(**values["sizes"])
        arrays: dict[str, Any] = {
            name: np.asarray([row[name] for row in rows], wanted.dtype) for name, wanted in layout(sizes).items()
        }
        levels = GridLevel(**arrays)
        scores = np.asarray([np.nan if score is None else score for score in values["scores"]], np.float32)
        return LevelSet(levels, sizes, scores, values.get("about", {}))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not JSON as levels.py export writes it: {error!r}.") from error
