"""Searching for the gridworlds on which a rule fails: MADRID (Samvelyan et al. 2024), for update rules."""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from groove.dropin.find import NamedRule, find_rules
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.level_file import save_levels
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.envs.gridworld.render import draw_levels
from groove.envs.level_axes import Axis, check_features, make_axes
from groove.evaluation.failures.search.archive import Archive
from groove.evaluation.failures.search.elites import Failures, numbers_of
from groove.evaluation.failures.search.plots import draw_archive, draw_progress
from groove.evaluation.failures.search.saved import load_search, save_search
from groove.evaluation.failures.search.search import METHODS, Evaluated, Search, describe, random_levels, regret_of
from groove.evaluation.failures.trial import Trial
from groove.evaluation.progress import Bars, progress_bars
from groove.evaluation.suites.registry import find_tasks
from groove.training.run_lock import lock_run
from groove.types import Key, PyTree, Stream
from groove.utils import parallel
from groove.utils.bootstrap import Floats
from groove.utils.errors import ConfigError, GrooveError, check_name
from groove.utils.io import json_bytes, write_atomically
from groove.utils.jax_flags import standard_flags
from groove.utils.limits import (
    MOST_DEVICES,
    MOST_INTEGER,
    MOST_LEVELS,
    MOST_LIFETIME,
    MOST_RANGES,
    MOST_SEEDS,
    check_integer,
    check_switches,
)
from groove.utils.paths import PathLike, check_folder, name_of, names_of, refuse_other_results, user_path, writing

AXES = ("nearest_positive", "max_steps")
_DRAWN = 24  # levels in the picture
_WORST = 64  # levels in worst.safetensors, unless told otherwise
_SAMPLED = 4096  # random levels whose features set the ranges of the axes
_SAVE_EVERY = 20.0  # seconds
_RESCORE = 0xE117E  # folded into the key of the seed
_REMEDY = "Make room, or choose another --to, and run the command again."


@standard_flags()
def search_failures(
    rule: PathLike,
    *,
    method: str = "archive",
    references: Iterable[str] = ("a2c",),
    levels: int = 1024,
    batch: int = 64,
    seeds: int = 2,
    rescore: int = 8,
    updates: int = 250,
    axes: Iterable[str] = AXES,
    ranges: int = 10,
    seed: int = 0,
    worst: int | None = None,
    to: PathLike,
    devices: int = 0,
    progress: bool = True,
) -> Failures:
    """Search for gridworlds of high regret that differ from each other, and measure them again with new agents.

    The same call goes on where an earlier one was stopped.

    Args:
      rule: a run directory, a rule file, a released rule, "ppo" or "random"; "LABEL=RULE" shows the rule as LABEL.
      method: "archive" (MAP-Elites), "best" (no diversity) or "random"; see `groove.evaluation.failures.search.search`.
      references: rules like `rule`; regret is the return of the best of them on a level minus the return of `rule`.
      levels: number of levels to evaluate.
      batch: levels that are evaluated at once.
      seeds: agents of each rule on each level.
      rescore: new agents of each rule on each elite, for the regret that is reported.
      updates: lifetime of every agent, in agent updates.
      axes: two features of levels.
      ranges: the largest number of ranges of each feature.
      seed: of the search.
      worst: the largest number of elites in worst.safetensors, those of highest regret; None for 64.
      to: the folder of search.safetensors, archive.safetensors, worst.safetensors, search.json and pictures.
      devices: number of local devices; 0 for all.
      progress: show progress.

    Raises:
      GrooveError: if a rule or a feature is not found, a number is out of range, the folder cannot be written, holds
        another search or is in use by one, or no level is in any cell.
    """
    check_name("--search", method, METHODS)
    check_switches(progress=progress)
    numbers = {"levels": levels, "batch": batch, "seeds": seeds, "rescore": rescore, "updates": updates}
    bounds = {"batch": MOST_SEEDS, "seeds": MOST_SEEDS, "rescore": MOST_SEEDS, "updates": MOST_LIFETIME}
    for name, value in {**numbers, "worst": _WORST if worst is None else worst}.items():
        check_integer(f"--{name}", value, bounds.get(name, MOST_LEVELS))
    numbers = {name: int(value) for name, value in numbers.items()}  # of NumPy's integers, too
    check_integer("--ranges", ranges, MOST_RANGES, least=2)
    check_integer("--seed", seed, MOST_INTEGER, least=0)
    check_integer("--devices", devices, MOST_DEVICES, least=0)
    rules, axes = _rules(rule, references), names_of(axes, "--axes")
    folder = user_path(to, "--to")
    check_folder(folder, "--to")
    refuse_other_results(folder, "heat_maps.png", "diagnosis")
    parallel.request_devices(devices)
    parallel.start_backend()
    parallel.keep_compilations()
    env = _gridworlds(updates)
    grid_axes = _axes(env, axes, ranges, seed)
    settings = {
        "method": method,
        "rules": [each.identity for each in rules],  # whatever they are called
        **numbers,
        "axes": [axis.feature for axis in grid_axes],
        "ranges": ranges,
        "seed": seed,
    }
    search = Search(method, env, grid_axes, levels, batch, seed)
    (task,) = find_tasks(["gridworld/random"])
    budget = dataclasses.replace(task.budgets["laptop"], updates=updates)
    trial = Trial(env, rules, task, budget, parallel.make_mesh(devices or jax.local_device_count()))
    with lock_run(folder), progress_bars(progress) as bars:
        done = _run(search, trial, rules, seeds, folder, settings, bars)
        failures = _rescored(search, trial, rules, done, rescore, settings, bars)
        _write(failures, folder, _WORST if worst is None else worst)
    return failures


def _rules(rule: PathLike, references: Iterable[str]) -> list[NamedRule]:
    """Return the rule and its references, which are other rules than each other and than the rule.

    Raises:
      ConfigError: if a rule is not found, or is there twice, be it under two names.
    """
    named = names_of(references, "--references")
    if not named:
        raise ConfigError("--references is empty: name at least one rule, as in a2c,ppo.")
    (found,), others = find_rules([name_of(rule, "--rule")]), find_rules(named)
    known: dict[str, str] = {}
    for other in others:
        if other.identity == found.identity:
            raise ConfigError(f"--references: {found.name} is the rule itself, which never falls short of itself.")
        if other.name == found.name:
            raise ConfigError(
                f"--references: {other.name} is also the name of the rule: give it another, as NAME=RULE."
            )
        if (first := known.setdefault(other.identity, other.name)) != other.name:
            raise ConfigError(f"--references: {first} and {other.name} are the same rule: name it once.")
    return [found, *others]


@functools.lru_cache(maxsize=4)  # the programs of one search serve the next
def _gridworlds(updates: int) -> EnvFamily:
    return make_gridworld(GridSizes(), LevelDistribution(min_lifetime=updates, max_lifetime=updates))


def _axes(env: EnvFamily, names: Sequence[str], ranges: int, seed: int) -> tuple[Axis, ...]:
    key = jax.random.fold_in(jax.random.key(seed), Stream.DIAGNOSIS)
    features = describe(env, random_levels(env, jax.random.split(key, _SAMPLED)))
    check_features(names, list(features), "--axes")
    return make_axes(names, features, ranges, "--axes")


def _run(
    search: Search,
    trial: Trial,
    rules: Sequence[NamedRule],
    seeds: int,
    folder: Path,
    settings: Mapping[str, Any],
    bars: Bars,
) -> Evaluated:
    """Run a search to its end; every level evaluated is on disk at the end, also of a run that is interrupted."""
    path = folder / "search.safetensors"
    stored = load_search(path, settings)
    earlier = None if stored is None else Evaluated(*stored, search.cells_of(stored[0]))
    done, start = earlier, 0 if earlier is None else len(earlier)
    if start:
        bars.say(f"{start} of {search.levels} levels were evaluated before; the search goes on.")
    handles = [bars.add(rule.name, search.levels * seeds, start * seeds) for rule in rules]

    def evaluate(levels: PyTree, key: Key, before: int) -> Floats:
        reports = [_after(bars.report(handle), before * seeds) for handle in handles]
        returns = trial.returns(levels, key, seeds, reports)
        for rule, row in zip(rules, returns, strict=True):
            if not np.isfinite(row).all():
                raise GrooveError(f"agents under {rule.name} have returns that are not finite: leave this rule out.")
        return returns

    saved_at, saved = time.monotonic(), start
    try:
        for done in search.run(evaluate, earlier):
            if time.monotonic() - saved_at > _SAVE_EVERY:
                _save(path, done, settings)
                saved_at, saved = time.monotonic(), len(done)
    finally:
        if done is not None and len(done) > saved:
            _save(path, done, settings)
    assert done is not None
    return done


def _after(report: Callable[[float], None], before: int) -> Callable[[float], None]:
    return lambda done: report(before + done)


def _save(path: Path, done: Evaluated, settings: Mapping[str, Any]) -> None:
    with writing(path.parent, _REMEDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        save_search(path, done.levels, done.returns, settings)


def _rescored(
    search: Search,
    trial: Trial,
    rules: Sequence[NamedRule],
    done: Evaluated,
    seeds: int,
    settings: Mapping[str, Any],
    bars: Bars,
) -> Failures:
    """Return the elites of a search, measured again with new agents."""
    archive, coverage, quality = Archive(search.axes), [], []
    ends = [*range(search.batch, len(done), search.batch), len(done)]
    for start, end in zip([0, *ends], ends, strict=False):
        part = Evaluated(jax.tree.map(lambda x, n=end: x[:n], done.levels), done.returns[:, :end], done.cells[:end])
        part.place(archive, start)
        coverage.append(archive.coverage)
        quality.append(archive.quality)
    elites = archive.elites
    if not len(elites):
        raise ConfigError(
            f"none of {len(done)} levels is in a cell of {' x '.join(axis.feature for axis in search.axes)}: raise "
            "--levels or choose other --axes."
        )
    levels: GridLevel = jax.tree.map(lambda x: x[elites], done.levels)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(search.seed), Stream.DIAGNOSIS), _RESCORE)
    reports = [bars.report(bars.add(f"{rule.name}, elites", len(elites) * seeds)) for rule in rules]
    returns = trial.returns(levels, key, seeds, reports)
    order = np.argsort(-regret_of(returns), kind="stable")
    return Failures(
        levels=jax.tree.map(lambda x: x[order], levels),
        cells=done.cells[elites][order],
        found=done.regret[elites][order],
        returns=returns[:, order],
        names=[rule.name for rule in rules],
        axes=search.axes,
        coverage=np.asarray(coverage),
        quality=np.asarray(quality),
        evaluated=np.asarray(ends),
        settings=settings,
    )


def _write(failures: Failures, folder: Path, worst: int) -> None:
    """Write the archive, its worst levels, the numbers and the pictures to a folder."""
    shown = failures.level_set(_DRAWN)
    rows = [jax.tree.map(lambda x, i=i: np.asarray(x)[i], shown.levels) for i in range(len(shown))]
    with writing(folder, _REMEDY):
        folder.mkdir(parents=True, exist_ok=True)
        save_levels(folder / "archive.safetensors", failures.level_set(len(failures.found)))
        save_levels(folder / "worst.safetensors", failures.level_set(worst))
        write_atomically(folder / "search.json", json_bytes(numbers_of(failures)))
        draw_archive(failures, folder / "archive.png")
        draw_progress(failures, folder / "progress.png")
        draw_levels(rows, [f"behind by {score:.2f}" for score in shown.scores], shown.sizes, folder / "worst.png")
