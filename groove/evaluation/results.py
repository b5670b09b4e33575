"""The store of meta-test results: JSON lines, only ever appended to, a file a suite.

Format 1. One line is what some seeds of one rule came to on one task at one budget:

    format       1
    cell         digest of task, budget, agent and rule: lines of one cell are seeds of one experiment
    suite, task, budget (its name), rule (name shown), rule_identity
    settings     the budget and the agent in full; the rule's origin
    seeds        [s]
    updates      [p], agent updates at which agents were judged; env_steps [p], of one agent
    returns      [levels][s][p], mean undiscounted return of complete episodes
    provenance   time, seconds, compile_seconds, command, versions, git revision, device

A line that was cut off while being written is not read. Of two lines with one cell and seed the later one counts.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groove.utils.errors import GrooveError
from groove.utils.io import one_line, to_json

RESULTS_FORMAT = 1
_DIGITS = 6  # significant ones of a return


class ResultsError(GrooveError):
    """Results that cannot be read or written; the message is one line that says what to do."""


@dataclass(frozen=True)
class Cell:
    """All seeds of one rule on one task at one budget.

    Attributes:
      task: suite/name.
      budget: its name.
      rule: as it is shown.
      seeds: [s], increasing.
      updates, env_steps: [p].
      returns: f64[levels, s, p].
      lines: what was read, for its provenance.
    """

    task: str
    budget: str
    rule: str
    seeds: tuple[int, ...]
    updates: npt.NDArray[np.int64]
    env_steps: npt.NDArray[np.int64]
    returns: npt.NDArray[np.float64]
    lines: tuple[Mapping[str, Any], ...]

    @property
    def final(self) -> npt.NDArray[np.float64]:
        """Returns at the end of life: f64[levels, s]."""
        return self.returns[:, :, -1]


def cell_id(identity: Mapping[str, Any]) -> str:
    """The digest by which lines of one experiment are known; what it is made of must be JSON-able."""
    text = json.dumps(to_json(identity), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Results:
    """A folder of results."""

    def __init__(self, folder: str | Path) -> None:
        """Opens the folder; it need not exist."""
        self.folder = Path(folder)

    def append(self, suite: str, line: Mapping[str, Any]) -> None:
        """Adds one line; it is on the disk, whole, when this returns.

        Raises:
          ResultsError: if it cannot be written.
        """
        path = self.folder / f"{suite}.jsonl"
        text = json.dumps(to_json({"format": RESULTS_FORMAT, "suite": suite, **line})) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                if file.tell() and not _ends_a_line(path):
                    file.write(b"\n")  # after a line that was cut off
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ResultsError(f"{path} cannot be written: {one_line(error)}.") from error

    def lines(self, suite: str | None = None) -> list[dict[str, Any]]:
        """What is stored, of one suite or of all, in the order it was written.

        Raises:
          ResultsError: if a file cannot be read or is of another format.
        """
        paths = [self.folder / f"{suite}.jsonl"] if suite else sorted(self.folder.glob("*.jsonl"))
        return [line for path in paths if path.exists() for line in _read(path)]

    def seeds_of(self, suite: str, cell: str) -> set[int]:
        """The seeds of a cell that are stored."""
        return {seed for line in self.lines(suite) if line["cell"] == cell for seed in line["seeds"]}

    def cells(self, keep: Iterable[str] | None = None) -> list[Cell]:
        """Every cell that is stored, or those of some digests, seeds merged."""
        wanted = None if keep is None else set(keep)
        groups: dict[str, list[dict[str, Any]]] = {}
        for line in self.lines():
            if wanted is None or line["cell"] in wanted:
                groups.setdefault(line["cell"], []).append(line)
        return [_merge(lines) for lines in groups.values()]


def rounded(returns: npt.ArrayLike) -> list[Any]:
    """Nested lists of the significant digits that are worth keeping."""
    values = np.asarray(returns, np.float64)
    flat = [float(f"{value:.{_DIGITS}g}") for value in values.ravel()]
    nested: list[Any] = np.asarray(flat).reshape(values.shape).tolist()
    return nested


def _merge(lines: Sequence[Mapping[str, Any]]) -> Cell:
    by_seed: dict[int, npt.NDArray[np.float64]] = {}
    for line in lines:  # later ones replace earlier ones
        returns = np.asarray(line["returns"], np.float64)
        by_seed |= {seed: returns[:, i] for i, seed in enumerate(line["seeds"])}
    last, seeds = lines[-1], sorted(by_seed)
    return Cell(
        task=last["task"],
        budget=last["budget"],
        rule=last["rule"],
        seeds=tuple(seeds),
        updates=np.asarray(last["updates"]),
        env_steps=np.asarray(last["env_steps"]),
        returns=np.stack([by_seed[seed] for seed in seeds], axis=1),
        lines=tuple(lines),
    )


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        raw = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path} cannot be read: {one_line(error)}.") from error
    lines = []
    for number, text in enumerate(raw, 1):
        try:
            line = json.loads(text)
        except ValueError:  # cut off; what it held is run again
            continue
        if not isinstance(line, dict) or line.get("format") != RESULTS_FORMAT:
            raise ResultsError(
                f"{path}, line {number}, is not of results format {RESULTS_FORMAT}: move the file away, or upgrade "
                "groove."
            )
        lines.append(line)
    return lines
