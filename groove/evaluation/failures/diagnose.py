"""Diagnosing a rule: the random gridworlds on which the rule falls short of A2C."""

import dataclasses
from pathlib import Path

import jax
import numpy as np

from groove.dropin.find import find_rules
from groove.envs.gridworld.level_file import save_levels
from groove.envs.gridworld.render import draw_levels
from groove.evaluation.failures.diagnosis import Diagnosis, measure
from groove.evaluation.progress import progress_bars
from groove.evaluation.suites.registry import find_tasks
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.jax_flags import standard_flags
from groove.utils.limits import MOST_DEVICES, MOST_LEVELS, MOST_LIFETIME, MOST_SEEDS, check_integer, check_switches
from groove.utils.paths import PathLike, check_folder, name_of, refuse_other_results, user_path, writing

_WORST = 64  # levels to train on, if nobody says how many
_DRAWN = 24  # of the worst levels


@standard_flags()
def diagnose(
    rule: PathLike,
    *,
    levels: int = 1024,
    seeds: int = 2,
    updates: int = 250,
    worst: int | None = None,
    to: PathLike | None = None,
    devices: int = 0,
    progress: bool = True,
) -> Diagnosis:
    """Train agents under a rule and under A2C on the same random gridworlds.

    Args:
      rule: a run directory, a rule file, a released rule, "ppo" or "random"; "LABEL=RULE" shows the rule as LABEL.
      levels: number of random gridworlds.
      seeds: agents of each rule on each level.
      updates: lifetime of every agent, in agent updates.
      worst: number of levels in worst.safetensors, those with the largest lead of A2C; None for 64, or all levels if
        there are fewer.
      to: the folder of heat_maps.png, worst.png and worst.safetensors, which `--curriculum set:FILE` trains on; None
        to write nothing.
      devices: number of local devices; 0 for all.
      progress: show progress.

    Returns:
      The levels, their features, and the returns of the rule and of A2C.

    Raises:
      GrooveError: if the rule is not found, a number is out of range, or the folder cannot be written.
    """
    worst = _check_numbers(levels, seeds, updates, worst)
    check_integer("--devices", devices, MOST_DEVICES, least=0)
    check_switches(progress=progress)
    found, a2c = find_rules([name_of(rule, "--rule")])[0], find_rules(["a2c"])[0]
    folder = None if to is None else user_path(to, "--to")
    if folder is not None:
        check_folder(folder, "--to")
        refuse_other_results(folder, "search.safetensors", "search")
    parallel.request_devices(devices)
    parallel.start_backend()
    parallel.keep_compilations()
    (task,) = find_tasks(["gridworld/random"])
    budget = dataclasses.replace(task.budgets["laptop"], levels=levels, updates=updates)
    mesh = parallel.make_mesh(devices or jax.local_device_count())
    with progress_bars(progress) as bars:
        reports = [bars.report(bars.add(name, levels * seeds)) for name in (found.name, "a2c")]
        diagnosis = measure(found, a2c, task, budget, seeds, mesh, reports)
    if folder is not None:
        write_diagnosis(diagnosis, folder, worst)
    return diagnosis


def _check_numbers(levels: int, seeds: int, updates: int, worst: int | None) -> int:
    """Check the numbers, and return that of the worst levels."""
    check_integer("--levels", levels, MOST_LEVELS)
    check_integer("--seeds", seeds, MOST_SEEDS)
    check_integer("--updates", updates, MOST_LIFETIME)
    if worst is None:
        return min(_WORST, levels)
    check_integer("--worst", worst, MOST_LEVELS)
    if worst > levels:
        raise ConfigError(f"--worst = {worst} must not be above --levels = {levels}: there are no more levels.")
    return worst


def write_diagnosis(diagnosis: Diagnosis, folder: Path, count: int) -> None:
    """Write heat_maps.png, worst.safetensors and worst.png to a folder.

    Args:
      diagnosis: the measurements.
      folder: the folder, made if it does not exist.
      count: number of levels in worst.safetensors.

    Raises:
      GrooveError: if a file cannot be written.
    """
    from groove.evaluation.failures.diagnosis_plots import draw_diagnosis

    worst = diagnosis.worst(count)
    shown = worst.take(range(min(_DRAWN, len(worst))))
    rows = [jax.tree.map(lambda x, i=i: np.asarray(x)[i], shown.levels) for i in range(len(shown))]
    with writing(folder, "Make room, or choose another --to, and run the command again."):
        folder.mkdir(parents=True, exist_ok=True)
        save_levels(folder / "worst.safetensors", worst)
        draw_diagnosis(diagnosis, folder / "heat_maps.png")
        draw_levels(
            rows, [f"behind by {score:.2f} when found" for score in shown.scores], shown.sizes, folder / "worst.png"
        )
