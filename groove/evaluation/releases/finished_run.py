"""The files of a finished run, read for a release."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.dropin.rule_file import load_rule
from groove.training.logs.loggers import read_jsonl
from groove.training.run_dir import RunDir
from groove.training.settings.config import Config
from groove.training.settings.legacy import read_config
from groove.training.validation import MEAN_SCORE
from groove.utils.errors import ConfigError
from groove.utils.io import one_line, parse_json

RULE_SUFFIX = ".safetensors"

_VALIDATION = "validation/normalised_return"
_SUMMARY = ("step", "env_steps", "seconds", _VALIDATION, "validation/untrained_normalised")
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
        summary, stored = (_read_object(file) for file in (run.summary, run.config))
        config = read_config(stored["config"])
        starts = tuple(_check_start(start) for start in stored["starts"])
        rows = [row for row in read_jsonl(run.metrics_jsonl) if row.get(_VALIDATION) is not None]
        if summary.get(_VALIDATION) is not None:
            _check_numbers(run.summary, summary, _SUMMARY)
        for row in rows:
            _check_numbers(run.metrics_jsonl, row, (_VALIDATION, *_INTERVAL))
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} does not hold a finished run: {one_line(error)}.") from error
    if summary.get(_VALIDATION) is None or not rows:
        raise ConfigError(f"{path} was never validated; finish it with --resume.")
    validations = {int(row["step"]): tuple(row[name] for name in (_VALIDATION, *_INTERVAL)) for row in rows}
    scores = {int(row["step"]): _mean_score(row) for row in rows}
    if int(summary["step"]) not in scores:
        raise ConfigError(
            f"{path} ended at meta-step {summary['step']}, after its last validation, at {max(scores)}: finish it with "
            "--resume."
        )
    return FinishedRun(path, summary, config, starts, validations, scores)


def meta_steps(file: Path, about: Mapping[str, Any]) -> int:
    """Return the meta-steps that made the rule of a file; `about` is the description in the file.

    Raises:
      ConfigError: if the file does not say.
    """
    steps = about.get("meta_steps")
    if type(steps) is not int:
        raise ConfigError(f"{file} does not say after how many meta-steps it was saved; give the directory of its run.")
    return steps


def _read_rule(path: Path) -> FinishedRun:
    _, about = load_rule(path)
    trained = about.get("trained_with")
    if not isinstance(trained, Mapping):
        raise ConfigError(f"{path} does not say how it was trained; give the directory of its run.")
    return FinishedRun(path, {"step": meta_steps(path, about)}, read_config(trained), (), {}, {})


def _mean_score(row: Mapping[str, Any]) -> float:
    mean = row.get(MEAN_SCORE)  # of runs that validate on several sources
    return float(row[_VALIDATION] if mean is None else mean)


def _read_object(file: Path) -> dict[str, Any]:
    content = parse_json(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{file.name} holds no JSON object")
    return content


def _check_numbers(file: Path, values: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if type(values.get(name)) not in (int, float):
            raise TypeError(f"{file.name} lacks the number {name}")


def _check_start(start: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of a start, after checking that it holds what model cards show."""
    shown = {
        "command": start["command"] and all(isinstance(word, str) for word in start["command"]),
        "versions": isinstance(start["versions"], Mapping) and "groove" in start["versions"],
        "git": start["git"] is None or isinstance(start["git"], Mapping),
        "device": {"count", "kind"} <= set(start["device"]),
    }
    for name, sound in shown.items():
        if not sound:
            raise TypeError(f"config.json has a start without its {name}")
    return start
