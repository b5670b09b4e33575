"""The steps of sweeps and figures: commands that leave one file or directory each.

A step is named after everything that decides its result, so that each result is computed once, whoever asks.
"""

import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groove.curriculum.sources.registry import pin_source
from groove.training.antagonists import pin_antagonist
from groove.training.build import pin_curriculum
from groove.training.logs.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.training.run_files import read_table
from groove.training.settings.config import Config
from groove.training.settings.presets import preset
from groove.training.settings.validate import validate
from groove.training.start import pin_start
from groove.utils.typed_fields import assign, replace_all, to_dict

GUESSED = {"smoke": 3.0, "release": 1.0, "laptop": 0.2, "paper": 1.0, "controls": 60.0}  # seconds a meta-step
WAIT_SECONDS = 120  # for a process that was told to end and still saves


def groove(command: str, *arguments: str, **flags: Any) -> list[str]:
    """Return the command line of one of the commands of `groove`."""
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "groove", command, *arguments, *words]


class Step(Protocol):
    """A step: a command that leaves one file or directory in the folder of runs."""

    @property
    def name(self) -> str:
        """Name of the file or directory."""

    def finished(self, runs: Path) -> bool:
        """Return whether the result is complete."""

    def progress(self, runs: Path) -> float:
        """Return the finished share of the work, in [0, 1]."""

    def seconds_left(self, runs: Path) -> float:
        """Return an estimate of the remaining time."""

    def command(self, runs: Path) -> list[str]:
        """Return the command line that starts or resumes the step."""


class LevelSet(Protocol):
    """A step that writes a level set.

    Attributes:
      name: file name of the set.
      keep: number of its levels.
    """

    @property
    def name(self) -> str:
        """Name of the file."""

    @property
    def keep(self) -> int:
        """Number of levels."""

    def file(self, runs: Path) -> Path:
        """Return the path of the file."""


@dataclass(frozen=True)
class MetaTraining:
    """A meta-training run.

    Attributes:
      label: name of the method in figures; the meta-seeds of a method share it.
      curriculum, seed, preset: values of these flags of groove meta-train (the preset is its --config).
      overrides: FIELD=VALUE settings, as --set takes them.
      levels: level set whose path ends the curriculum's name, written by an earlier step.
    """

    label: str
    curriculum: str
    seed: int
    preset: str
    overrides: tuple[str, ...] = ()
    levels: LevelSet | None = None

    @property
    def config(self) -> Config:
        """Configuration of the run, with level sets by file name, wherever the file lies.

        Raises:
          ConfigError: if the configuration is not valid.
        """
        return _config(self)

    @property
    def name(self) -> str:
        """Name of the run directory: readable words and a digest of the configuration."""
        return _name(self)

    @property
    def title(self) -> str:
        """Name for readers."""
        return f"{self.label}, meta-seed {self.seed}"

    def steps_done(self, runs: Path) -> int:
        """Return the number of logged meta-steps."""
        log = runs / self.name / "metrics.jsonl"
        return max((int(row["step"]) for row in read_jsonl(log)), default=0) if log.exists() else 0

    def finished(self, runs: Path) -> bool:
        """Return whether the run reached its last meta-step."""
        summary = runs / self.name / "summary.json"
        return summary.exists() and read_summary(summary)["step"] >= self.config.run.steps

    def progress(self, runs: Path) -> float:
        """Return the share of the meta-steps that is logged."""
        return self.steps_done(runs) / self.config.run.steps

    def seconds_left(self, runs: Path) -> float:
        """Return the remaining meta-steps times the speed of finished runs of the same preset."""
        ended = [read_summary(path) for path in runs.glob(f"*-{self.preset}-*/summary.json")]
        each = sum(r["seconds"] for r in ended) / sum(r["step"] for r in ended) if ended else GUESSED[self.preset]
        return each * (self.config.run.steps - self.steps_done(runs))

    def command(self, runs: Path) -> list[str]:
        """Return the command line that starts the run, or resumes it if it has begun."""
        directory = runs / self.name
        place = {"run_dir": directory, "wait": WAIT_SECONDS}
        if RunDir(directory).config.exists():
            return [*groove("meta-train", **place), "--resume"]
        curriculum = self.curriculum + (str(self.levels.file(runs)) if self.levels else "")
        flags = {"config": self.preset, "curriculum": curriculum, "seed": self.seed, "devices": 1, "minutes": 0}
        settings = [word for assignment in self.overrides for word in ("--set", assignment)]
        return [*groove("meta-train", **place, **flags), *settings]


def read_summary(path: Path) -> dict[str, Any]:
    """Read the summary.json of a run.

    Raises:
      ConfigError: if the file is missing or damaged.
    """
    return read_table(path, "remove it, and the run goes on from its last checkpoint")


@functools.cache  # a plan asks thousands of times
def _config(run: MetaTraining) -> Config:
    config = config_as_given(run)
    validate(config)
    return config


def config_as_given(run: MetaTraining) -> Config:
    """Return the configuration of a run before anything is checked but the names and types of fields.

    Raises:
      ConfigError: if a field is unknown or of another type.
    """
    curriculum = run.curriculum + (run.levels.name if run.levels else "")
    start = {"curriculum": curriculum, "seed": run.seed, "devices": 1, "run.minutes": 0.0}
    config = replace_all(preset(run.preset), start)
    for assignment in run.overrides:
        config = assign(config, assignment)
    return config


@functools.cache
def _name(run: MetaTraining) -> str:
    text = json.dumps(to_dict(run.config), sort_keys=True) + "".join(_digests(run))
    levels = f"{run.levels.keep}_hardest" if run.levels else ""
    readable = re.sub(r"[^\w.@-]+", "_", run.curriculum + levels)
    return f"{readable}-{run.preset}-{run.seed}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _digests(run: MetaTraining) -> Iterator[str]:
    """Yield the digests of the files that a configuration names, except level sets, whose names stand for content."""
    config = run.config
    named = [config.start, *config.antagonists, *config.validation.sources]
    pinned = [pin_start(config.start), *map(pin_antagonist, config.antagonists)]
    pinned += map(pin_source, config.validation.sources)
    if run.levels is None:
        named.append(config.curriculum)
        pinned.append(pin_curriculum(config.curriculum))
    yield from (new.rpartition("#")[2] for old, new in zip(named, pinned, strict=True) if new != old and "#" in new)
