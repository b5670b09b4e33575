"""The part of a run directory that a report reads, while the run goes on or after its end."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groove.training.logs.loggers import read_jsonl
from groove.training.run_dir import RunDir, RunError
from groove.training.run_files import read_table
from groove.training.settings.config import Config
from groove.utils.bootstrap import Floats

_REMEDY = "remove the file, and the report is made without it"


@dataclass(frozen=True)
class ReportedRun:
    """A run as its files describe it.

    Attributes:
      name: for legends; no two runs of a report have the same.
      path: the run directory.
      config: the configuration.
      starts: time, command, versions and devices of every start.
      rows: of metrics.jsonl, in the order of meta-steps; at least one.
      summary: the last value of each metric, `step` and `seconds`; of summary.json, or of the log if the run goes on.
      ended: whether the run has written summary.json.
      returns: name -> returns on the unseen levels at the last validation; empty if validation.json is not there.
    """

    name: str
    path: Path
    config: Config
    starts: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    ended: bool
    returns: Mapping[str, Sequence[float]]

    @functools.cached_property
    def columns(self) -> Mapping[str, tuple[Floats, Floats]]:
        """Every metric in the order of its first row: the meta-steps at which it was finite, and its values."""
        points: dict[str, list[tuple[float, float]]] = {}
        for row in self.rows:
            step = row["step"]
            for name, value in row.items():
                known = points.setdefault(name, [])
                if value is not None and math.isfinite(value):
                    known.append((step, value))
        del points["step"]
        arrays = {name: np.asarray(known, np.float64).reshape(-1, 2) for name, known in points.items()}
        return {name: (both[:, 0], both[:, 1]) for name, both in arrays.items()}

    @property
    def last_step(self) -> int:
        """Meta-steps done."""
        return int(self.rows[-1]["step"])


def read_runs(paths: Sequence[Path]) -> list[ReportedRun]:
    """Read the runs of a report.

    Raises:
      GrooveError: if a path is given twice or holds no run, or a file of it cannot be read.
    """
    places = [path.resolve() for path in paths]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise RunError(f"{paths[i]} is given twice: give each run once.")
    names = [place.name for place in places]
    unique = [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]
    return [_read(name, RunDir(path.absolute()), path) for name, path in zip(unique, paths, strict=True)]


def _read(name: str, run: RunDir, given: Path) -> ReportedRun:
    if not given.exists():
        raise RunError(f"{given} does not exist: give the directory of a run, as in runs/RUN.")
    if not run.config.is_file():
        raise RunError(f"{given} is no run, because it has no config.json: give the directory that meta_train wrote.")
    if not run.metrics_jsonl.is_file():
        raise RunError(f"{given} has no metrics.jsonl, so there is nothing to report: give the directory of a run.")
    config, starts = run.read_config(), run.read_starts()
    rows = sorted(read_jsonl(run.metrics_jsonl), key=lambda row: row["step"])
    if not rows:
        raise RunError(f"{given} has logged nothing yet: wait for {config.run.log_every} meta-steps.")
    _refuse_texts(run.metrics_jsonl, rows)
    summary = read_table(run.summary, _REMEDY) if run.summary.is_file() else {}
    ended = summary.get("step") == rows[-1]["step"]  # a run that was resumed has an earlier summary
    summary = summary if ended else _last_values(rows)
    returns = read_table(run.validation, _REMEDY).get("returns", {}) if run.validation.is_file() else {}
    return ReportedRun(name, given, config, starts, rows, summary, ended, returns)


def _refuse_texts(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a log with values that are no numbers."""
    for number, row in enumerate(rows, 1):
        for name, value in row.items():
            if value is not None and not isinstance(value, int | float):
                raise RunError(f"{path} row {number} has a {name} that is no number: remove it, or restore the file.")


def _last_values(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for row in rows for name, value in row.items() if value is not None}
