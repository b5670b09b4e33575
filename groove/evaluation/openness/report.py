"""The openness of a run: every kind of outcome in its record, as text, as numbers and as a picture."""

from collections.abc import Mapping
from pathlib import Path

from groove.evaluation.openness.openness import Openness, TooFewLevelsError, measure_openness
from groove.evaluation.openness.plots import draw_openness
from groove.training.logs.level_record import LevelRecord, load_level_record
from groove.training.run_dir import RunDir
from groove.utils.bootstrap import Interval
from groove.utils.errors import ConfigError

ANTAGONIST, REGRET = "antagonist's return", "regret"  # the kinds of outcomes


def run_openness(run: Path, seed: int = 0) -> dict[str, Openness]:
    """Measure the openness of a run.

    Args:
      run: the run directory.
      seed: of the bootstrap and the shuffles.

    Returns:
      Kind of outcome -> its openness. The kinds of a run with several groups of agents begin with the group's name.

    Raises:
      GrooveError: if the directory holds no run, no record, or one that cannot be read or is too short.
    """
    directory = RunDir(run)
    directory.read_config()
    records = directory.level_records()
    if not records:
        raise ConfigError(
            f"{run} has no record of levels: train with a curriculum whose score needs an antagonist, such as ar, or "
            "with record.returns=true."
        )
    found: dict[str, Openness] = {}
    for group, file in records.items():
        try:
            measured = record_openness(load_level_record(file), seed)
        except TooFewLevelsError as error:
            raise ConfigError(f"{file}: {error}") from error
        found |= {f"{group}/{kind}" if group else kind: openness for kind, openness in measured.items()}
    return found


def record_openness(record: LevelRecord, seed: int = 0) -> dict[str, Openness]:
    """Return kind of outcome -> its openness: the antagonist's return, and algorithmic regret.

    The antagonist's return depends on the level alone. Regret also changes with the learned rule, so that it may drift
    although the levels do not.

    Raises:
      TooFewLevelsError: if the record is too short.
    """
    outcomes = {ANTAGONIST: record.returns[:, 1], REGRET: record.regret()}
    return {kind: measure_openness(record.step, record.features, outcome, seed) for kind, outcome in outcomes.items()}


def report_openness(run: Path) -> str:
    """Draw the openness of a run into its directory, and return it as text; "" if the run has no record.

    Raises:
      GrooveError: if a record cannot be read.
    """
    directory = RunDir(run)
    if not directory.level_records():
        return ""
    try:
        measured = run_openness(run)
    except ConfigError as error:
        return f"{directory.openness.name} is not drawn: {error}"
    draw_openness({run.name: measured}, directory.openness)
    return openness_text(measured)


def openness_text(measured: Mapping[str, Openness]) -> str:
    """Return one line for each kind of outcome."""
    return "\n".join(
        f"{kind}: novelty {interval_text(each.novelty)}, learnability {interval_text(each.learnability)}: "
        f"{each.verdict} ({each.levels} levels)"
        for kind, each in measured.items()
    )


def interval_text(interval: Interval[float]) -> str:
    """Return an estimate with its interval."""
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
