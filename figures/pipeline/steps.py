"""The steps of plans: meta-training runs and sets of levels.

A step is named after everything that decides its result, so each result is computed once, whichever figure asks.
"""

import abc
import functools
import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groove.training.config import Config
from groove.training.presets import preset
from groove.training.validate import validate
from groove.utils.typed_fields import assign, replace_all, to_dict

ROOT = Path(__file__).parents[2]
GUESSED = {"smoke": 3.0, "release": 1.0, "laptop": 0.2, "paper": 1.0}  # seconds a meta-step, before any run finished


def python(program: str, *arguments: str, **flags: Any) -> list[str]:
    """Return the command line of one of this project's programs, given by its path in the repository.

    The path is relative to the working directory: results store the command, and readers of the results have no use for
    the absolute path.
    """
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return [sys.executable, os.path.relpath(ROOT / program), *arguments, *words]


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


class FileStep(abc.ABC):
    """A step that leaves one file and is finished when the file exists."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Name of the file or its folder."""

    def file(self, runs: Path) -> Path:
        """Return the path of the file."""
        return runs / self.name

    def finished(self, runs: Path) -> bool:
        """Return whether the file exists."""
        return self.file(runs).exists()

    def progress(self, runs: Path) -> float:
        """Return 1 if the file exists, otherwise 0."""
        return float(self.finished(runs))


@dataclass(frozen=True)
class MetaTraining:
    """A meta-training run.

    Attributes:
      label: name of the method in figures; the meta-seeds of a method share it.
      curriculum, seed, preset: values of these flags of launch/meta_train.py (the preset is its --config).
      overrides: FIELD=VALUE settings, as --set takes them.
      levels: level set whose path ends the curriculum's name; an earlier step.
    """

    label: str
    curriculum: str
    seed: int
    preset: str
    overrides: tuple[str, ...] = ()
    levels: "FirstLevels | None" = None

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

    def steps_done(self, runs: Path) -> int:
        """Return the number of logged meta-steps."""
        log = runs / self.name / "metrics.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return max((json.loads(line)["step"] for line in lines if line.endswith("}")), default=0)

    def finished(self, runs: Path) -> bool:
        """Return whether the run reached its last meta-step."""
        summary = runs / self.name / "summary.json"
        return summary.exists() and json.loads(summary.read_text())["step"] >= self.config.run.steps

    def progress(self, runs: Path) -> float:
        """Return the share of the meta-steps that is logged."""
        return self.steps_done(runs) / self.config.run.steps

    def seconds_left(self, runs: Path) -> float:
        """Return the remaining meta-steps times the speed of finished runs of the same preset."""
        ended = [json.loads(path.read_text()) for path in runs.glob(f"*-{self.preset}-*/summary.json")]
        each = sum(r["seconds"] for r in ended) / sum(r["step"] for r in ended) if ended else GUESSED[self.preset]
        return each * (self.config.run.steps - self.steps_done(runs))

    def command(self, runs: Path) -> list[str]:
        """Return the command line that starts the run, or resumes it where a checkpoint exists.

        A directory without a checkpoint is removed.
        """
        directory = runs / self.name
        checkpoints = directory / "checkpoints"
        if checkpoints.is_dir() and any(path.name.isdigit() for path in checkpoints.iterdir()):
            return [*python("launch/meta_train.py", run_dir=directory), "--resume"]
        shutil.rmtree(directory, ignore_errors=True)
        curriculum = self.curriculum + (str(self.levels.file(runs)) if self.levels else "")
        flags = {"config": self.preset, "curriculum": curriculum, "seed": self.seed, "devices": 1, "minutes": 0}
        settings = [word for assignment in self.overrides for word in ("--set", assignment)]
        return [*python("launch/meta_train.py", run_dir=directory, **flags), *settings]


@functools.cache  # a plan asks thousands of times
def _config(run: MetaTraining) -> Config:
    curriculum = run.curriculum + (run.levels.name if run.levels else "")
    start = {"curriculum": curriculum, "seed": run.seed, "devices": 1, "run.minutes": 0.0}
    config = replace_all(preset(run.preset), start)
    for assignment in run.overrides:
        config = assign(config, assignment)
    validate(config)
    return config


@functools.cache
def _name(run: MetaTraining) -> str:
    text = json.dumps(to_dict(run.config), sort_keys=True)
    levels = f"{run.levels.keep}_hardest" if run.levels else ""
    readable = re.sub(r"[^\w.@-]+", "_", run.curriculum + levels)
    return f"{readable}-{run.preset}-{run.seed}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class HardLevels(FileStep):
    """The random gridworlds on which a rule's algorithmic regret against A2C is highest.

    Attributes:
      rule: the rule, trained by an earlier step.
      scored: number of random levels that are scored.
      keep: number of levels that are kept, hardest first.
    """

    rule: MetaTraining
    scored: int
    keep: int

    @property
    def name(self) -> str:
        """Name of the folder."""
        return f"levels-{self.scored}-{self.keep}-{self.rule.name}"

    def file(self, runs: Path) -> Path:
        """Return the path of the level set."""
        return runs / self.name / "worst.safetensors"

    def seconds_left(self, runs: Path) -> float:
        """Return a guess: two lifetimes on every level."""
        return 0.1 * self.scored

    def command(self, runs: Path) -> list[str]:
        """Return the command line that scores the levels."""
        counts = {"levels": self.scored, "worst": self.keep, "seeds": 1, "devices": 1}
        return python("launch/diagnose.py", rule=runs / self.rule.name, **counts, to=runs / self.name)


@dataclass(frozen=True)
class FirstLevels(FileStep):
    """The `keep` hardest levels of `source`, with lifetimes redrawn from the training range.

    Attributes:
      source: the hard levels, all scored at one lifetime.
      keep: number of levels.
      lifetimes: shortest and longest lifetime, in agent updates.
    """

    source: HardLevels
    keep: int
    lifetimes: tuple[int, int]

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"{self.source.name}-{self.keep}-{'-'.join(map(str, self.lifetimes))}.safetensors"

    def seconds_left(self, runs: Path) -> float:
        """Return a guess: the start of a process."""
        return 3.0

    def command(self, runs: Path) -> list[str]:
        """Return the command line that writes the level set."""
        source, lifetimes = self.source.file(runs), ",".join(map(str, self.lifetimes))
        flags = {"from": source, "top": self.keep, "lifetimes": lifetimes, "to": self.file(runs)}
        return python("launch/levels.py", "export", **flags)
