"""The files of a finished run, read for a release."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.training.config import Config
from groove.training.legacy import read_config
from groove.training.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.training.validation import MEAN_SCORE
from groove.utils.errors import ConfigError
from groove.utils.io import one_line

_VALIDATION = "validation/normalised_return"
_INTERVAL = ("validation/normalised_low", "validation/normalised_high")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that reached its last meta-validation.

    Attributes:
      path: the run directory.
      summary: the contents of summary.json.
      config: the configuration.
      starts: command, versions and devices of every start of the run, from config.json.
      validations: meta-step -> (return as a share of A2C's, low, high), on random gridworlds.
      scores: meta-step -> return as a share of A2C's, mean over the sources that the run validates on.
    """

    path: Path
    summary: Mapping[str, Any]
    config: Config
    starts: tuple[Mapping[str, Any], ...]
    validations: Mapping[int, tuple[float, float, float]]
    scores: Mapping[int, float]

    @property
    def last_score(self) -> float:
        """The last meta-validation."""
        return self.scores[max(self.scores)]

    @property
    def best_score(self) -> float:
        """The best of all meta-validations."""
        return max(self.scores.values())


def read_run(path: Path) -> FinishedRun:
    """Read the files of a finished run.

    Raises:
      ConfigError: if the directory holds no run, or a run that did not reach its last meta-validation.
    """
    run = RunDir(path)
    try:
        summary, stored = (json.loads(file.read_text(encoding="utf-8")) for file in (run.summary, run.config))
        rows = read_jsonl(run.metrics_jsonl)
        config = read_config(stored["config"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} does not hold a finished run: {one_line(error)}.") from error
    if summary.get(_VALIDATION) is None:
        raise ConfigError(f"{path} was never validated; finish it with --resume.")
    validations = {
        int(row["step"]): tuple(row[name] for name in (_VALIDATION, *_INTERVAL)) for row in rows if row.get(_VALIDATION)
    }
    scores = {int(row["step"]): row.get(MEAN_SCORE) or row[_VALIDATION] for row in rows if row.get(_VALIDATION)}
    return FinishedRun(path, summary, config, tuple(stored["starts"]), validations, scores)
