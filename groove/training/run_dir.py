"""The directory of one run: what lies where in it, when it may be opened, and what it says of the run."""

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from groove.utils.errors import GrooveError
from groove.utils.io import one_line, to_json, write_json
from groove.utils.provenance import describe_start

MIN_FREE_BYTES = 256 * 2**20


class RunError(GrooveError):
    """A run directory that cannot be used; the message is one line that says what to do."""


@dataclass(frozen=True)
class _Inside:
    """The path of a file of the run directory that it is an attribute of."""

    name: str

    def __get__(self, run: "RunDir", owner: type["RunDir"]) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class RunDir:
    """A run directory, opened by `create` or by `resume`, and the paths of the files in it."""

    path: Path

    config = _Inside("config.json")  # the configuration, and the circumstances of every start
    metrics_jsonl = _Inside("metrics.jsonl")  # one row a log line: the source of truth
    metrics_csv = _Inside("metrics.csv")  # the same rows for a spreadsheet
    tensorboard = _Inside("tensorboard")  # a folder of event files
    checkpoints = _Inside("checkpoints")  # a folder, to resume from
    rule = _Inside("rule.safetensors")  # the rule as it is now, with rule.json beside it
    best_rule = _Inside("best_rule.safetensors")  # the rule at its best validation, with best_rule.json
    average_rule = _Inside("average_rule.safetensors")  # the moving average of the rule, where one is kept
    curves = _Inside("curves.png")  # the metrics, drawn
    levels = _Inside("levels.png")  # the highest-scoring levels of the buffer, drawn
    validation = _Inside("validation.json")  # the last meta-validation in full
    summary = _Inside("summary.json")  # what the run came to

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any], *, min_free_bytes: int = MIN_FREE_BYTES) -> Self:
        """Opens a directory for a new run and writes config.json; overwrites nothing.

        Args:
          path: a directory that does not exist yet, or holds no run.
          config: the run's configuration, JSON-able.
          min_free_bytes: the least free space to begin with.

        Raises:
          RunError: if it holds a run, is a file, cannot be written, or lies on a full disk.
        """
        run = cls(Path(path).absolute())
        run._refuse_occupied()
        _make_writable(run.path, min_free_bytes)
        write_json(run.config, {"config": config, "starts": [describe_start()]})
        for folder in (run.tensorboard, run.checkpoints):
            folder.mkdir(exist_ok=True)
        return run

    @classmethod
    def resume(
        cls,
        path: str | Path,
        config: Mapping[str, Any] | None = None,
        *,
        may_differ: Collection[str] = (),
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> Self:
        """Opens the directory of an earlier run, to continue it; config.json says what it goes on with, and this start.

        Args:
          path: the directory.
          config: what to continue with, to be compared with what is written there; or None.
          may_differ: dotted names of fields that do not change the run ("steps"), or of groups ("log").
          min_free_bytes: the least free space to begin with.

        Raises:
          RunError: if there is nothing to resume, config.json cannot be read, the configurations differ (each
            field is named, with both values), or the directory cannot be written.
        """
        run = cls(Path(path).absolute())
        run._refuse_not_resumable()
        saved = run._read()
        if config is not None:
            run._refuse_other_config(saved["config"], config, may_differ)
        _make_writable(run.path, min_free_bytes)
        starts = [*saved["starts"], describe_start()]
        write_json(run.config, {"config": saved["config"] if config is None else config, "starts": starts})
        return run

    def read_config(self) -> dict[str, Any]:
        """The configuration the run was started with, to resume it by.

        Raises:
          RunError: if there is nothing to resume, or config.json cannot be read.
        """
        self._refuse_not_resumable()
        config: dict[str, Any] = self._read()["config"]
        return config

    def _read(self) -> dict[str, Any]:
        try:
            saved = json.loads(self.config.read_text(encoding="utf-8"))
            if not isinstance(saved["config"], dict) or not isinstance(saved["starts"], list):
                raise TypeError("its `config` or `starts` is of the wrong type")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{self.config} cannot be read ({one_line(error)}): restore it from a copy, or start a new "
                "run in another directory."
            ) from error
        return dict(saved)

    def _refuse_occupied(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file: choose a directory for the run.")
        names = [file.name for file in vars(RunDir).values() if isinstance(file, _Inside)]
        held = [name for name in names if (self.path / name).exists()]
        if held:
            raise RunError(
                f"{self.path} already holds a run ({held[0]}): choose another directory, or continue it with --resume."
            )

    def _refuse_not_resumable(self) -> None:
        if not self.path.is_dir():
            raise RunError(f"{self.path} is no directory, so there is no run to resume.")
        if not self.config.exists():
            raise RunError(f"{self.path} has no config.json, so it holds no run: start one without --resume.")
        if not any(entry.name.isdigit() for entry in _entries(self.checkpoints)):
            raise RunError(
                f"{self.checkpoints} holds no checkpoint, so there is nothing to resume: start a new run in "
                "another directory."
            )

    def _refuse_other_config(
        self, saved: Mapping[str, Any], config: Mapping[str, Any], may_differ: Collection[str]
    ) -> None:
        differing = config_differences(saved, config, may_differ)
        if differing:
            raise RunError(
                f"{self.path} was started with another configuration: {'; '.join(differing)}. Resume with "
                "the same values, or start a new run in another directory."
            )


def config_differences(
    saved: Mapping[str, Any], config: Mapping[str, Any], may_differ: Collection[str] = ()
) -> list[str]:
    """Says of every field that differs, by dotted name, what it was and is; `may_differ` as in `resume`."""
    old, new = _flatten(to_json(saved)), _flatten(to_json(config))
    lines = []
    for name in sorted(old.keys() | new.keys()):
        allowed = any(name == free or name.startswith(f"{free}.") for free in may_differ)
        was, now = old.get(name, "absent"), new.get(name, "absent")
        if was != now and not allowed:
            lines.append(f"{name} was {was!r}, is {now!r}")
    return lines


def _make_writable(path: Path, min_free_bytes: int) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        free = shutil.disk_usage(path).free
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise RunError(f"{path} cannot be written ({reason}): choose another directory.") from error
    if free < min_free_bytes:
        raise RunError(
            f"{path} has {free / 2**20:,.0f} MiB of free space and a run needs at least "
            f"{min_free_bytes / 2**20:,.0f}: free some, or choose a directory on another disk."
        )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
