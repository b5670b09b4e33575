"""The steps that only figures have: programs of this folder, and sets of levels."""

import abc
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.sweep.steps import MetaTraining, groove

ROOT = Path(__file__).parents[2]


def python(program: str, **flags: Any) -> list[str]:
    """Return the command line of one of the programs of figures/, given by its path in the repository."""
    words = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
    return [sys.executable, os.path.relpath(ROOT / program), *words]


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
        return groove("diagnose", rule=runs / self.rule.name, **counts, to=runs / self.name)


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
        return groove("levels", "export", **flags)
