"""Where metrics go: JSON lines and CSV (the record of the run), TensorBoard, and Weights & Biases."""

import csv
import io
import json
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from groove.utils.errors import GrooveError
from groove.utils.io import one_line, write_atomically

Row = dict[str, int | float]


class LoggerError(GrooveError):
    """A log that cannot be opened or continued; the message is one line that says what to do."""


class Logger(Protocol):
    """Something that metrics are written to."""

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Writes one row of scalars; `step` counts meta-steps. Rows need not have the same names."""

    def close(self) -> None:
        """Writes what is left, and closes."""


class JsonlLogger:
    """One JSON object a row, on disk as soon as `write` returns; NaN and infinity are null."""

    def __init__(self, path: str | Path, resume_step: int | None = None) -> None:
        """Opens the file.

        Args:
          path: the file.
          resume_step: None for a new file; else the step that the run goes on from: later rows, and one that
            was cut off in the middle, are dropped.

        Raises:
          LoggerError: if a new file exists already, or an old one cannot be read or written.
        """
        path = Path(path)
        if resume_step is not None and path.exists():
            kept = [json.dumps(row) + "\n" for row in read_jsonl(path) if row["step"] <= resume_step]
            write_atomically(path, "".join(kept).encode())
        self._file = _open(path, "x" if resume_step is None else "a")

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See Logger."""
        row = {"step": int(step)} | {name: _finite(value) for name, value in _scalars(metrics).items()}
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """See Logger."""
        self._file.close()


class CsvLogger:
    """One line a row, on disk as soon as `write` returns; NaN and infinity are empty fields.

    A name that was not in the rows so far becomes a new last column, for which the file is written anew:
    metrics such as validation's, which appear only sometimes, have columns of their own from then on.
    """

    def __init__(self, path: str | Path, resume_step: int | None = None) -> None:
        """Opens the file; arguments and errors as in JsonlLogger."""
        self._path = Path(path)
        self._columns = ["step"]
        rows: list[list[str]] = []
        if resume_step is not None and self._path.exists():
            self._columns, rows = _read_csv(self._path)
            rows = [row for row in rows if float(row[0]) <= resume_step]
            write_atomically(self._path, _csv_text([self._columns, *rows]).encode())
        self._file = _open(self._path, "x" if resume_step is None else "a")
        self._empty = self._path.stat().st_size == 0

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See Logger."""
        row: dict[str, Any] = {"step": int(step), **_scalars(metrics)}
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
        """See Logger."""
        self._file.close()

    def _add_columns(self, count: int) -> None:
        self._file.close()
        rows = [row + [""] * count for row in _read_csv(self._path)[1]]
        write_atomically(self._path, _csv_text([self._columns, *rows]).encode())
        self._file = _open(self._path, "a")


class TensorBoardLogger:
    """Scalars as TensorBoard event files, on disk within two seconds; needs no TensorFlow."""

    def __init__(self, directory: str | Path, resume_step: int | None = None) -> None:
        """Opens a new event file; TensorBoard hides what earlier ones say beyond `resume_step`."""
        from tensorboardX import SummaryWriter

        purge = None if resume_step is None else resume_step + 1
        self._writer = SummaryWriter(str(directory), purge_step=purge, max_queue=1000, flush_secs=2)

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See Logger."""
        for name, value in _scalars(metrics).items():
            if math.isfinite(value):
                self._writer.add_scalar(name, value, int(step))

    def close(self) -> None:
        """See Logger."""
        self._writer.close()


class WandbLogger:
    """A Weights & Biases run, of the optional extra `wandb`; WANDB_MODE=offline keeps it on this machine."""

    def __init__(
        self,
        directory: str | Path,
        config: Mapping[str, Any],
        *,
        project: str = "groove",
        name: str | None = None,
        mode: str | None = None,
    ) -> None:
        """Starts a run, or continues the one that was started from the same directory.

        Args:
          directory: the run directory; W&B's files, and the run's id, go into its folder `wandb`.
          config: the configuration to show there.
          project: the W&B project.
          name: the run's name; the directory's by default.
          mode: "online", "offline" or "disabled"; None for the environment's WANDB_MODE.

        Raises:
          LoggerError: if wandb is not installed, or does not start.
        """
        try:
            import wandb
        except ImportError as error:
            raise LoggerError("W&B is not installed: run pip install 'groove-rl[wandb]'.") from error
        directory = Path(directory)
        try:
            self._run: Any = wandb.init(
                project=project,
                name=name or directory.name,
                id=_wandb_id(directory / "wandb" / "groove_run_id"),
                dir=str(directory),
                config=dict(config),
                mode=mode,
                resume="allow",
            )
        except Exception as error:  # wandb has errors of its own for the network, the login and the disk
            raise LoggerError(f"W&B did not start ({one_line(error)}): WANDB_MODE=offline works without it.") from error
        self._run.define_metric("*", step_metric="step")  # its own counter cannot go back to a resumed step

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See Logger."""
        finite = {name: value for name, value in _scalars(metrics).items() if math.isfinite(value)}
        self._run.log({"step": int(step), **finite})

    def close(self) -> None:
        """See Logger."""
        self._run.finish()


class MultiLogger:
    """Several loggers as one."""

    def __init__(self, loggers: Iterable[Logger]) -> None:
        """Takes the loggers, in the order in which they are written to."""
        self._loggers = list(loggers)

    def write(self, step: int, metrics: Mapping[str, Any]) -> None:
        """See Logger."""
        metrics = _scalars(metrics)  # values on a device are fetched once, not once a logger
        for logger in self._loggers:
            logger.write(step, metrics)

    def close(self) -> None:
        """Closes them all, even when one of them fails, and then raises the first failure."""
        failures = []
        for logger in self._loggers:
            try:
                logger.close()
            except Exception as error:  # the others are to be closed, whatever this one says
                failures.append(error)
        if failures:
            raise failures[0]


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Reads the rows of a JsonlLogger; a last row that was cut off is left out.

    Raises:
      LoggerError: if the file cannot be read, or another row is damaged.
    """
    lines = _read_text(Path(path)).split("\n")
    rows = []
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line break is empty or cut off
        try:
            row = json.loads(line)
            int(row["step"])
        except (ValueError, KeyError, TypeError) as error:
            raise LoggerError(f"{path} line {number} is no row of metrics: remove it, or restore the file.") from error
        rows.append(row)
    return rows


def _read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    text = _read_text(path)
    whole = text[: text.rfind("\n") + 1]
    columns, *rows = list(csv.reader(io.StringIO(whole))) or [["step"]]
    if columns[0] != "step" or any(len(row) != len(columns) for row in rows):
        raise LoggerError(f"{path} is no table of metrics: remove it (metrics.jsonl has it all), or restore the file.")
    return columns, rows


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoggerError(f"{path} cannot be read: {one_line(error)}.") from error


def _open(path: Path, mode: str) -> TextIO:
    try:
        return open(path, mode, encoding="utf-8", newline="")  # type: ignore[return-value]
    except FileExistsError as error:
        raise LoggerError(f"{path} exists: resume its run, or choose another directory.") from error
    except OSError as error:
        raise LoggerError(f"{path} cannot be written: {one_line(error)}.") from error


def _scalars(metrics: Mapping[str, Any]) -> Row:
    """Fetches scalars of any kind (Python, NumPy, JAX) as Python's int and float."""
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in metrics.items()}
    return {name: int(value) if isinstance(value, int) else float(value) for name, value in plain.items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _wandb_id(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, secrets.token_hex(4).encode())
    return path.read_text(encoding="utf-8").strip()
