"""The files of a finished run, read for a release."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.dropin.rule_file import load_rule
from groove.training.config import Config
from groove.training.legacy import read_config
from groove.training.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.training.validation import MEAN_SCORE
from groove.utils.errors import ConfigError
from groove.utils.io import one_line, parse_json

RULE_SUFFIX = ".safetensors"

_VALIDATION = "validation/normalised_return"
_INTERVAL = ("validation/normalised_low", "validation/normalised_high")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that reached its last meta-validation, or only the rule file of one.

    Attributes:
      path: the run directory, or the rule file.
      summary: the contents of summary.json; no more than the meta-step for a rule file.
      config: the configuration.
      starts: command, versions and devices of every start of the run, from config.json; empty for a rule file.
      validations: meta-step -> (return as a share of A2C's, low, high), on random gridworlds; empty for a rule file.
      scores: meta-step -> return as a share of A2C's, mean over the sources that the run validates on; empty for a
        rule file.
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
        self._check_validated()
        return self.scores[max(self.scores)]

    @property
    def best_score(self) -> float:
        """The best of all meta-validations."""
        self._check_validated()
        return max(self.scores.values())

    def rule(self, earlier: bool = False) -> Path:
        """Return the file of the last rule, or of the one at the best meta-validation."""
        if self.path.suffix != RULE_SUFFIX:
            return RunDir(self.path).best_rule if earlier else RunDir(self.path).rule
        if earlier:
            self._check_validated()
        return self.path

    def _check_validated(self) -> None:
        if not self.scores:
            raise ConfigError(
                f"{self.path} is a rule file, which holds no meta-validation: choose by results (--by development)."
            )


def read_run(path: Path) -> FinishedRun:
    """Read the files of a finished run, or the rule file that is left of one.

    Raises:
      ConfigError: if the path is neither, or the run did not reach its last meta-validation.
    """
    if path.suffix == RULE_SUFFIX:
        return _read_rule(path)
    run = RunDir(path)
    try:
        summary, stored = (parse_json(file.read_text(encoding="utf-8")) for file in (run.summary, run.config))
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


def _read_rule(path: Path) -> FinishedRun:
    _, about = load_rule(path)
    trained = about.get("trained_with")
    if not isinstance(trained, Mapping):
        raise ConfigError(f"{path} does not say how it was trained; give the directory of its run.")
    return FinishedRun(path, {"step": about["meta_steps"]}, read_config(trained), (), {}, {})
