"""Logs of metrics as files: JSON lines, which are the record of a run, and CSV."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

from groove.utils.errors import GrooveError
from groove.utils.io import one_line, parse_json, with_checksum, without_checksum, write_atomically

T = TypeVar("T")
Row = dict[str, int | float]


class LoggerError(GrooveError):
    """A log that cannot be opened or continued; the message is one line that says what to do."""


class Logger(Protocol):
    """A destination of metrics."""

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write one row of scalars; `step` counts meta-steps. Rows may have different names."""

    def close(self) -> None:
        """Write what is left, and close."""


class MultiLogger:
    """Several loggers as one."""

    def __init__(self, loggers: Iterable[Logger]) -> None:
        """Take the loggers, in the order in which rows are written."""
        self._loggers = list(loggers)

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Write the row to every logger."""
        metrics = scalars(metrics)  # fetched from the device once, not once per logger
        for logger in self._loggers:
            logger.write(step, metrics)

    def close(self) -> None:
        """Close every logger, even if one of them fails, and then raise the first failure."""
        failures = []
        for logger in self._loggers:
            try:
                logger.close()
            except Exception as error:  # the other loggers must be closed all the same
                failures.append(error)
        if failures:
            raise failures[0]


class JsonlLogger:
    """A file of one JSON object per row, on disk as soon as `write` returns; NaN and infinity are null.

    The last field of a row, "check", is the CRC-32 of the others, hexadecimal; rows of earlier versions have none.
    """

    def __init__(self, path: str | Path, resume_step: int | None = None, resume_rows: int | None = None) -> None:
        """Open the file.

        Args:
          path: the file.
          resume_step: None for a new file. Otherwise the meta-step at which the run continues: later rows and a last
            row that was cut off are dropped.
          resume_rows: number of rows of `resume_step` that are kept, the first ones; None for all.

        Raises:
          LoggerError: if a new file exists already, or an old file cannot be read or written.
        """
        path = Path(path)
        if resume_step is not None and path.exists():
            rows = read_jsonl(path)
            kept = _before(rows, [row["step"] for row in rows], resume_step, resume_rows)
            write_atomically(path, "".join(map(_line, kept)).encode())
        self._file = _open(path, "x" if resume_step is None else "a")

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Append one row."""
        row = {"step": int(step)} | {name: _finite(value) for name, value in scalars(metrics).items()}
        self._file.write(_line(row))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CsvLogger:
    """A table of one line per row, on disk as soon as `write` returns; NaN and infinity are empty fields.

    A new name becomes the last column, and the file is rewritten with the wider table. Metrics that appear only
    sometimes, such as those of validation, have columns of their own from then on.
    """

    def __init__(self, path: str | Path, resume_step: int | None = None, resume_rows: int | None = None) -> None:
        """Open the file; arguments and errors are those of JsonlLogger."""
        self._path = Path(path)
        self._columns = ["step"]
        if resume_step is not None and self._path.exists():
            self._columns, rows = _read_csv(self._path)
            kept = _before(rows, [float(row[0]) for row in rows], resume_step, resume_rows)
            write_atomically(self._path, _csv_text([self._columns, *kept]).encode())
        self._file = _open(self._path, "x" if resume_step is None else "a")
        self._empty = self._path.stat().st_size == 0

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Append one row."""
        row: dict[str, Any] = {"step": int(step), **scalars(metrics)}
        new = [name for name in row if name not in self._columns]
        self._columns += new
        if self._empty:
            self._file.write(_csv_text([self._columns]))
        elif new:
            self._add_columns(len(new))
        values = (_finite(row.get(name)) for name in self._columns)
        self._file.write(_csv_text([["" if value is None else repr(value) for value in values]]))
        self._file.flush()
        self._empty = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _add_columns(self, count: int) -> None:
        self._file.close()
        rows = [row + [""] * count for row in _read_csv(self._path)[1]]
        write_atomically(self._path, _csv_text([self._columns, *rows]).encode())
        self._file = _open(self._path, "a")


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read the rows of a JsonlLogger without their checksums; a last row that was cut off is left out.

    Raises:
      LoggerError: if the file cannot be read, or another row is damaged.
    """
    lines = _read_bytes(Path(path)).split(b"\n")
    rows = []
    for number, line in enumerate(lines[:-1], 1):  # the text after the last line break is empty or cut off
        try:
            row = without_checksum(parse_json(line.decode("utf-8")))
            int(row["step"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LoggerError(
                f"{path} line {number} is no row of metrics ({one_line(error)}): remove it, or restore the file."
            ) from error
        rows.append(row)
    return rows


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(with_checksum(row), allow_nan=False) + "\n"


def scalars(metrics: Mapping[str, Any]) -> Row:
    """Fetch scalars of any kind (Python, NumPy, JAX) as Python's int and float."""
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in metrics.items()}
    return {name: int(value) if isinstance(value, int) else float(value) for name, value in plain.items()}


def _before(rows: Sequence[T], steps: Sequence[float], resume_step: int, resume_rows: int | None) -> list[T]:
    """Return the rows that were written before a run continues; `steps` are those of the rows."""
    earlier = [row for row, step in zip(rows, steps, strict=True) if step < resume_step]
    last = [row for row, step in zip(rows, steps, strict=True) if step == resume_step]
    return earlier + last[:resume_rows]


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the rows of a CsvLogger; a last row that was cut off is left out."""
    content = _read_bytes(path)
    try:
        whole = content[: content.rfind(b"\n") + 1].decode("utf-8")
        columns, *rows = list(csv.reader(io.StringIO(whole))) or [["step"]]
        if columns[0] != "step" or any(len(row) != len(columns) for row in rows):
            raise ValueError("columns are missing")
        for row in rows:
            float(row[0])
    except (ValueError, LookupError, csv.Error) as error:
        raise LoggerError(
            f"{path} is no table of metrics: remove the file (metrics.jsonl has every row), or restore it."
        ) from error
    return columns, rows


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LoggerError(f"{path} cannot be read: {one_line(error)}.") from error


def _open(path: Path, mode: str) -> TextIO:
    try:
        return open(path, mode, encoding="utf-8", newline="")  # type: ignore[return-value]
    except FileExistsError as error:
        raise LoggerError(f"{path} exists: resume its run, or choose another directory.") from error
    except OSError as error:
        raise LoggerError(f"{path} cannot be written: {one_line(error)}.") from error


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
