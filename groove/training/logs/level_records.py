"""The records of levels of a run in progress, one for each group of lifetimes that is recorded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from groove.meta.groups import Group
from groove.meta.level_record import RECORD, feature_names
from groove.training.logs.level_record import LevelRecord, LevelRecordError, load_level_record
from groove.training.run_dir import RunDir
from groove.training.settings.config import Config
from groove.utils.processes import is_first


class LevelRecords:
    """The records of a run; the first process keeps them and writes their files."""

    def __init__(self, config: Config, groups: Sequence[Group], run_dir: RunDir) -> None:
        """Begin with empty records; see `groove.training.settings.config.RecordConfig`."""
        self._seed, self._most = config.seed, config.record.lifetimes
        self._records: dict[str, LevelRecord] = {}  # name of the metric -> record
        self._files: dict[str, Path] = {}
        for group in groups:
            if group.setup.recorded:
                name = RECORD if len(groups) == 1 else f"{group.name}/{RECORD}"
                self._records[name] = LevelRecord.empty(feature_names(group.setup.env))
                self._files[name] = run_dir.level_record if len(groups) == 1 else run_dir.level_record_of(group.name)

    def restore(self, step: int) -> None:
        """Go on with the records on disk as they were after `step` meta-steps; runs of earlier versions have none.

        Raises:
          LevelRecordError: if a record cannot be read or is of other levels.
        """
        for name, path in self._files.items():
            if is_first() and path.exists():
                record = load_level_record(path)
                if record.names != self._records[name].names:
                    raise LevelRecordError(f"{path} has other features than the levels of this run: remove it.")
                self._records[name] = record.until(step)

    def take(self, metrics: Mapping[str, npt.NDArray[np.float32]], before: int) -> dict[str, npt.NDArray[np.float32]]:
        """Add what finished in some meta-steps to the records, and return the metrics that are scalars, f32[n] each.

        Args:
          metrics: f32[n, ...] each, of n meta-steps.
          before: meta-steps done before these.
        """
        for name, record in self._records.items():
            if is_first():
                self._records[name] = record.add(metrics[name], before, self._seed, self._most)
        return {name: values for name, values in metrics.items() if name not in self._records}

    def save(self) -> None:
        """Write every record."""
        for name, record in self._records.items():
            if is_first():
                record.save(self._files[name])
