"""The directory of one run: its files, the conditions for opening it, and the configuration in it."""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from groove.envs.gridworld.level_file import without_file
from groove.training.run_files import complaint_about
from groove.training.settings.config import Config
from groove.training.settings.legacy import read_config
from groove.training.settings.validate import validate_ranges
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.io import one_line, parse_json, write_json
from groove.utils.provenance import describe_start
from groove.utils.typed_fields import flatten, replace_all, to_dict

MIN_FREE_BYTES = 256 * 2**20
# fields that a run may change when it is resumed
MAY_DIFFER = (
    "preset",
    "devices",
    "run.steps",
    "run.minutes",
    "run.wandb",
    "run.checkpoint_every",
    "run.report_seconds",
)


class RunError(GrooveError):
    """A run directory that cannot be used; the message is one line that says what to do."""


@dataclass(frozen=True)
class _Inside:
    """The path of one file of a run directory."""

    name: str

    def __get__(self, run: "RunDir", owner: type["RunDir"]) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class RunDir:
    """A run directory, opened by `create` or by `resume`, and the paths of the files in it."""

    path: Path

    config = _Inside("config.json")  # the configuration, and the circumstances of every start
    metrics_jsonl = _Inside("metrics.jsonl")  # one row per line: the record of the run
    metrics_csv = _Inside("metrics.csv")  # the same rows for a spreadsheet
    tensorboard = _Inside("tensorboard")  # a folder of event files
    checkpoints = _Inside("checkpoints")  # a folder, to resume from
    rule = _Inside("rule.safetensors")  # the current rule, with rule.json beside it
    best_rule = _Inside("best_rule.safetensors")  # the rule at its best validation, with best_rule.json
    average_rule = _Inside("average_rule.safetensors")  # the moving average of the rule, if the run keeps one
    curves = _Inside("curves.png")  # the metrics, drawn
    levels = _Inside("levels.png")  # the highest-scoring levels of the buffer, drawn
    generated = _Inside("generated_levels")  # a folder: what the generator designs at each validation, drawn
    level_record = _Inside("level_record.safetensors")  # features and returns of levels that were trained on
    openness = _Inside("openness.png")  # whether the curriculum is open-ended, drawn from the record
    report = _Inside("report.html")  # a page to look at, with charts and the levels
    validation = _Inside("validation.json")  # the last meta-validation in full
    summary = _Inside("summary.json")  # the last value of every metric, and why the run ended

    @classmethod
    def create(cls, path: str | Path, config: Config, *, min_free_bytes: int = MIN_FREE_BYTES) -> Self:
        """Open a directory for a new run and write config.json; no file is overwritten.

        Args:
          path: a directory that does not exist yet, or holds no run.
          config: the configuration of the run.
          min_free_bytes: free space that the disk must have.

        Raises:
          RunError: if the path holds a run, is a file, cannot be written, or lies on a full disk.
        """
        run = cls(Path(path).absolute())
        run.refuse_occupied()
        _make_writable(run.path, min_free_bytes)
        write_json(run.config, {"config": to_dict(config), "starts": [describe_start()]})
        for folder in (run.tensorboard, run.checkpoints):
            folder.mkdir(exist_ok=True)
        return run

    @classmethod
    def resume(
        cls,
        path: str | Path,
        config: Config | None = None,
        *,
        may_differ: Collection[str] = (),
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> Self:
        """Open the directory of an earlier run to continue it, and add this start to config.json.

        Args:
          path: the directory.
          config: the configuration to continue with, which is compared with the stored one; None for the stored one.
            Level files and rules with the same digest are the same, wherever they lie.
          may_differ: dotted names of fields that do not change the run ("run.steps"), or of groups ("run").
          min_free_bytes: free space that the disk must have.

        Raises:
          RunError: if there is nothing to resume, config.json cannot be read, the configurations differ (each field is
            named with both values), or the directory cannot be written.
        """
        run = cls(Path(path).absolute())
        stored = run.read_config()
        if config is not None:
            run._refuse_other_config(stored, config, may_differ)
        _make_writable(run.path, min_free_bytes)
        starts = [*run._read()["starts"], describe_start()]
        write_json(run.config, {"config": to_dict(stored if config is None else config), "starts": starts})
        return run

    def refuse_occupied(self) -> None:
        """Refuse a path for a new run that is a file or holds a run.

        Raises:
          RunError: if the path is occupied.
        """
        if os.path.exists(self.path) and not self.path.is_dir():  # false, not an error, for a name that is too long
            raise RunError(f"{self.path} is a file: choose a directory for the run.")
        names = [file.name for file in vars(RunDir).values() if isinstance(file, _Inside)]
        held = [name for name in names if os.path.exists(self.path / name)]
        if held and not os.path.exists(self.config):
            raise RunError(
                f"{self.path} holds {held[0]} of a run, but no config.json to go on from: choose another directory."
            )
        if held:
            raise RunError(
                f"{self.path} already holds a run ({held[0]}): choose another directory, or continue it with --resume."
            )

    def levels_of(self, group: str) -> Path:
        """Return the picture of the levels of one group, if a run trains several kinds of agents."""
        return self.levels.with_stem(f"{self.levels.stem}-{group}")

    def generated_at(self, step: int, group: str = "") -> Path:
        """Return the picture of the levels that a generator designs at a meta-step; `group` if there are several."""
        return self.generated / f"{step:06d}{group and '-'}{group}.png"

    def level_record_of(self, group: str) -> Path:
        """Return the record of the levels of one group, if a run trains several kinds of agents."""
        return self.level_record.with_stem(f"{self.level_record.stem}-{group}")

    def level_records(self) -> dict[str, Path]:
        """Return the records that the run has: group -> file; the group is "" if the run trains one kind of agents."""
        stem = self.level_record.stem
        files = sorted(self.path.glob(f"{stem}*{self.level_record.suffix}"))
        return {file.stem.removeprefix(stem).removeprefix("-"): file for file in files}

    def read_config(self) -> Config:
        """Return the configuration that the run was started with, by this version or an earlier one.

        Raises:
          RunError: if there is nothing to resume, or config.json cannot be read.
        """
        self._refuse_not_resumable()
        stored = self._read()["config"]
        try:
            config = read_config(stored)
        except ConfigError as error:
            raise RunError(f"{self.config} cannot be read: {one_line(error)}") from error
        with self.naming_config():
            validate_ranges(config)
        return config

    @contextmanager
    def naming_config(self) -> Iterator[None]:
        """Name config.json in errors of the block, which come from what it holds."""
        try:
            yield
        except GrooveError as error:
            lines = (f"{self.config} cannot be used: {line}" for line in str(error).splitlines())
            raise RunError("\n".join(lines)) from error

    def read_starts(self) -> list[dict[str, Any]]:
        """Return time, command, versions and devices of every start of the run.

        Raises:
          RunError: if config.json cannot be read.
        """
        return list(self._read()["starts"])

    def refuse_other_than(self, trained: Mapping[str, Any], config: Config) -> None:
        """Refuse a configuration that is not that of a checkpoint: config.json was edited since.

        Places of level files and rules, which may have moved, and the fields of MAY_DIFFER do not count.

        Args:
          trained: the configuration that the checkpoint was trained with, of this version or an earlier one.
          config: the configuration to continue with.

        Raises:
          RunError: naming each field that differs with both values.
        """
        earlier, now = (to_dict(_without_places(x)) for x in (read_config(trained), config))
        if differences := config_differences(earlier, now, MAY_DIFFER):
            raise RunError(
                f"{self.config} was edited since the last checkpoint: {'; '.join(differences)}. Put the earlier values "
                "back, or start a new run in another directory."
            )

    def _read(self) -> dict[str, Any]:
        """Return the content of config.json."""
        try:
            saved = parse_json(self.config.read_text(encoding="utf-8"))
            if reason := complaint_about("config", saved):
                raise TypeError(reason)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{self.config} cannot be read ({one_line(error)}): restore it from a copy, or start a new "
                "run in another directory."
            ) from error
        return dict(saved)

    def _refuse_not_resumable(self) -> None:
        if not self.path.is_dir():
            raise RunError(f"{self.path} is no directory, so there is no run to resume.")
        if not self.config.exists():
            raise RunError(
                f"{self.path} has no config.json, so it holds no run: give the directory of a run, or start one in a "
                "new directory, without --resume."
            )

    def _refuse_other_config(self, stored: Config, config: Config, may_differ: Collection[str]) -> None:
        earlier, now = (to_dict(_without_places(x)) for x in (stored, config))
        differences = config_differences(earlier, now, may_differ)
        if differences:
            raise RunError(
                f"{self.path} was started with another configuration: {'; '.join(differences)}. Resume with "
                "the same values, or start a new run in another directory."
            )


def config_differences(
    stored: Mapping[str, Any], config: Mapping[str, Any], may_differ: Collection[str] = ()
) -> list[str]:
    """Return one text per field that differs, with its dotted name and both values; `may_differ` as in `resume`."""
    old, new = flatten(stored), flatten(config)
    texts = []
    for name in sorted(old.keys() | new.keys()):
        allowed = any(name == free or name.startswith(f"{free}.") for free in may_differ)
        was, now = old.get(name, "absent"), new.get(name, "absent")
        if was != now and not allowed:
            texts.append(f"{name} was {was!r}, is {now!r}")
    return texts


def _without_places(config: Config) -> Config:
    """Return the configuration with level files and rules named by their digests, without the paths of the files."""
    sources = tuple(map(without_file, config.validation.sources))
    rules = tuple(re.sub(r"^rule:.*(?=#[0-9a-f]{16}$)", "rule:", name) for name in config.antagonists)
    start = re.sub(r"^.*(?=#[0-9a-f]{16}$)", "", config.start)
    moved = {
        "curriculum": without_file(config.curriculum),
        "validation.sources": sources,
        "antagonists": rules,
        "start": start,
    }
    return replace_all(config, moved)


def _make_writable(path: Path, min_free_bytes: int) -> None:
    """Make a directory, and check that it can be written and has free space."""
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
