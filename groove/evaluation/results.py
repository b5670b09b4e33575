"""The store of meta-test results: one file of JSON lines per suite, which is only ever appended to.

Format 1. One line holds the results of some seeds of one rule on one task at one budget:

    format          1
    cell            digest of task, budget, agent and rule; lines of one cell are seeds of one experiment
    suite, task     names; the task as SUITE/NAME
    budget          name of the budget
    rule            name of the rule as shown
    rule_identity   digest of the rule's configuration and parameters
    settings        the budget and the agent in full; the origin of the rule
    seeds           [s]
    updates         [p], agent updates after which agents were evaluated
    env_steps       [p], environment steps of one agent
    returns         [levels][s][p], mean undiscounted return of complete episodes
    provenance      time, seconds, compile_seconds, command, versions, git revision, device, devices_used
    check           CRC-32 of the line without this field, hexadecimal; lines of earlier versions have none

Readers skip the last line if it was cut off while it was written. They skip any other damaged line, too, and give
notice of it: its seeds are missing, so that the next meta-test trains them again. If two lines have one cell and seed,
the later line counts.
"""

import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groove.utils.errors import GrooveError
from groove.utils.io import CHECK, one_line, parse_json, to_json, with_checksum, without_checksum
from groove.utils.schema import complaint

RESULTS_FORMAT = 1
_DIGITS = 6  # significant digits of a stored return


_FIELDS = {  # name -> type, of the fields of a line that readers rely on
    **dict.fromkeys(("cell", "task", "budget", "rule"), str),
    **dict.fromkeys(("seeds", "updates", "env_steps"), list[int]),
    "returns": list[list[list[float]]],  # [levels, seeds, points]
}
_RECORD = ("versions", "git", "device")  # tables of the provenance; earlier versions left some of them out
_LARGEST_RETURN = float(np.finfo(np.float32).max)  # returns are summed in float32


class ResultsError(GrooveError):
    """Results that cannot be read or written; the message is one line that says what to do."""


@dataclass(frozen=True)
class Cell:
    """All seeds of one rule on one task at one budget.

    Attributes:
      task: SUITE/NAME.
      budget: name of the budget.
      rule: name of the rule as shown.
      seeds: [s], increasing.
      updates: i64[p], agent updates after which agents were evaluated.
      env_steps: i64[p], environment steps of one agent.
      returns: f64[levels, s, p].
      lines: the stored lines, with their provenance.
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
    def identity(self) -> str:
        """Digest of the rule; cells of one name and different digests are meta-seeds of one method."""
        line: Mapping[str, Any] = self.lines[-1] if self.lines else {}
        return str(line.get("rule_identity", line.get("cell", "")))

    def named(self, names: Iterable[str]) -> "list[Cell]":
        """Return a copy of this cell for each of these names that its rule was tested under.

        Rules with equal parameters share a cell, whatever they are called.

        Args:
          names: names of rules.
        """
        own = {self.rule, *(str(line.get("rule")) for line in self.lines)}
        return [replace(self, rule=name) for name in names if name in own]

    @property
    def final(self) -> npt.NDArray[np.float64]:
        """Returns at the end of life, f64[levels, s]."""
        return self.returns[:, :, -1]


def cell_id(identity: Mapping[str, Any]) -> str:
    """Return the digest that lines of one experiment share.

    Args:
      identity: everything that determines the experiment, as JSON values; the order of the keys does not matter.
    """
    text = json.dumps(to_json(identity), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Results:
    """A folder of results."""

    def __init__(self, folder: str | Path, notice: Callable[[str], None] | None = None) -> None:
        """Open the folder, which need not exist.

        Args:
          folder: the folder.
          notice: receives one line about every damaged line that is passed over, once; by default the line is written
            to standard error.
        """
        self.folder = Path(folder)
        self._notice = notice or (lambda text: print(text, file=sys.stderr))
        self._noticed: set[str] = set()

    def append(self, suite: str, line: Mapping[str, Any]) -> None:
        """Add one line; the whole line is on the disk when this method returns.

        Raises:
          ResultsError: if the line cannot be written.
        """
        path = self.folder / f"{suite}.jsonl"
        text = _sealed({"format": RESULTS_FORMAT, "suite": suite, **line}) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                if file.tell() and not _ends_a_line(path):
                    file.write(b"\n")  # after a line that was cut off
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ResultsError(
                f"{path} cannot be written: {one_line(error)}. Earlier lines are safe; make room or choose another "
                "--results, and run the command again."
            ) from error

    def lines(self, suite: str | None = None) -> list[dict[str, Any]]:
        """Return the stored lines of one suite, or of all suites, in the order in which they were written.

        Raises:
          ResultsError: if a file cannot be read or has another format.
        """
        paths = [self.folder / f"{suite}.jsonl"] if suite else sorted(self.folder.glob("*.jsonl"))
        return [line for path in paths if path.exists() for line in self._read(path)]

    def seeds_of(self, suite: str, cell: str) -> set[int]:
        """Return the stored seeds of a cell."""
        return {seed for line in self.lines(suite) if line["cell"] == cell for seed in line["seeds"]}

    def cells(self, keep: Iterable[str] | None = None) -> list[Cell]:
        """Return stored cells, with the seeds of all their lines.

        Args:
          keep: digests of the cells to return; None for all cells.
        """
        wanted = None if keep is None else set(keep)
        groups: dict[str, list[dict[str, Any]]] = {}
        for line in self.lines():
            if wanted is None or line["cell"] in wanted:
                groups.setdefault(line["cell"], []).append(line)
        return [_merge(lines) for lines in groups.values()]

    def _read(self, path: Path) -> Iterator[dict[str, Any]]:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ResultsError(
                f"{path} cannot be read: {one_line(error)}. Choose another --results, or move the file away."
            ) from error
        texts = raw.splitlines()
        for number, text in enumerate(texts, 1):
            line, reason = _unsealed(text)
            if line is not None:
                if line.get("format") != RESULTS_FORMAT:
                    raise ResultsError(
                        f"{path}, line {number}, is not of results format {RESULTS_FORMAT}: move the file away, or "
                        "upgrade groove."
                    )
                yield line
            elif number < len(texts) or raw.endswith(b"\n"):  # otherwise the line was cut off while it was written
                self._give_notice(f"{path}, line {number}, is damaged ({reason}) and skipped: its seeds are missing.")

    def _give_notice(self, text: str) -> None:
        if text not in self._noticed:
            self._noticed.add(text)
            self._notice(text)


def strict_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of results that nothing is wrong with.

    Raises:
      ResultsError: if the file cannot be read, is empty, or has a line that is damaged, cut off, or without checksum.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {one_line(error)}.") from error
    lines = []
    for number, text in enumerate(raw.splitlines(), 1):
        line, reason = _unsealed(text, sealed=True)
        if line is None or line.get("format") != RESULTS_FORMAT:
            raise ResultsError(
                f"{path}, line {number}, is damaged ({reason or 'another format'}): make the results again with groove "
                "meta-test."
            )
        lines.append(line)
    if not lines:
        raise ResultsError(f"{path} is empty: make the results again with groove meta-test.")
    return lines


def rounded(returns: npt.ArrayLike) -> list[Any]:
    """Return an array as nested lists of numbers with six significant digits."""
    values = np.asarray(returns, np.float64)
    flat = [float(f"{value:.{_DIGITS}g}") for value in values.ravel()]
    nested: list[Any] = np.asarray(flat).reshape(values.shape).tolist()
    return nested


def _merge(lines: Sequence[Mapping[str, Any]]) -> Cell:
    """Build a cell from its lines; a later line replaces the seeds of earlier lines."""
    if len({(len(line["returns"]), tuple(line["updates"])) for line in lines}) > 1:
        raise ResultsError(
            f"the lines of cell {lines[0]['cell']} ({lines[0]['rule']} on {lines[0]['task']}) differ in their levels "
            "or updates: remove the wrong ones."
        )
    by_seed: dict[int, npt.NDArray[np.float64]] = {}
    for line in lines:
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


def _sealed(line: Mapping[str, Any]) -> str:
    """Return a line as JSON that ends with its checksum."""
    return json.dumps(with_checksum(to_json(line)))


def _unsealed(text: bytes, sealed: bool = False) -> tuple[dict[str, Any] | None, str]:
    """Return the line of a text, or None and what is wrong with the text; `sealed` requires a checksum."""
    try:
        line = parse_json(text.decode("utf-8"))
    except UnicodeDecodeError:
        return None, "no UTF-8"
    except ValueError:
        return None, "no JSON with finite numbers"
    if not isinstance(line, dict):
        return None, "no JSON object"
    if sealed and CHECK not in line:
        return None, "no checksum"
    try:
        line = without_checksum(line)
    except ValueError as error:
        return None, str(error)
    if line.get("format") == RESULTS_FORMAT and (complaint := _complaint(line)):
        return None, complaint
    return line, ""


@functools.cache
def _schema() -> Any:
    import pydantic  # slow to import

    table = dict[str, Any] | None
    record: Any = {name: (table, None) for name in _RECORD}
    fields: Any = {name: (kind, ...) for name, kind in _FIELDS.items()}
    optional: Any = {"provenance": (pydantic.create_model("Record", **record) | None, None), "settings": (table, None)}
    return pydantic.create_model("Line", **fields, **optional)


def _complaint(line: Mapping[str, Any]) -> str:
    """Return what is wrong with the fields of a line; empty if nothing is."""
    if reason := complaint(_schema(), line):
        return reason
    shape = (len(line["seeds"]), len(line["updates"]))
    shapes = {(len(level), len(curve)) for level in line["returns"] for curve in level}
    if not line["seeds"] or shapes != {shape} or len(line["env_steps"]) != shape[1]:
        return "its seeds, updates and returns do not fit together"
    if np.abs(line["returns"]).max() > _LARGEST_RETURN:
        return "a return beyond the range of float32"
    return ""
