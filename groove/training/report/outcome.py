"""The outcome of runs: the validated returns, each with its interval and n, and the effort."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groove.pages.measures import Measured
from groove.pages.parts import Cell, Column, facts, headlines, section, table
from groove.training.antagonists import short_name
from groove.training.report.configuration import device_text
from groove.training.report.reported_run import ReportedRun
from groove.training.settings.config import BASELINE_LABEL
from groove.utils.text import duration, quantity

if TYPE_CHECKING:
    from markupsafe import Markup

FIRST_SOURCE = "random gridworlds"  # whose metrics have no prefix
_EFFORT = {"environment steps": "env_steps", "training time": "seconds"}  # label -> metric


def summary_tab(runs: Sequence[ReportedRun]) -> "Markup":
    """Return what came of the runs: the validated returns first, then effort and circumstances."""
    if len(runs) > 1:
        return section("Runs", _table_of_runs(runs), about="Returns are those of the last meta-validation.")
    (run,) = runs
    numbers: dict[str, Measured | str] = {}
    for source in sources_of(run):
        for label, measured in validated(run, source).items():
            place = "" if source == FIRST_SOURCE else f" on {source}"
            numbers[f"{label}{place}, share of {BASELINE_LABEL}'s return"] = measured
    numbers |= {"meta-steps": f"{run.last_step:,}", **_effort(run)}
    return section("Outcome", headlines(numbers), _circumstances(run), about=_about_outcome(run))


def sources_of(run: ReportedRun) -> list[str]:
    """Return the domains that a run was validated on, random gridworlds first."""
    if run.summary.get("validation/normalised_return") is None:
        return []
    ending = "/validation/normalised_return"
    return [FIRST_SOURCE, *(name.removesuffix(ending) for name in run.summary if name.endswith(ending))]


def metric_of(source: str, name: str) -> str:
    """Return the name in the log of a metric of the validation on one domain."""
    return f"validation/{name}" if source == FIRST_SOURCE else f"{source}/validation/{name}"


def validated(run: ReportedRun, source: str) -> dict[str, Measured]:
    """Return the last validated returns of one domain, each with its interval and the number of levels."""
    numbers = {}
    for label, metric, prefix in (
        ("learned rule", "normalised_return", "normalised"),
        (run.config.first_rule, "untrained_normalised", "untrained"),
        ("gain", "gain", "gain"),
    ):
        value, *ends = (run.summary.get(metric_of(source, n)) for n in (metric, f"{prefix}_low", f"{prefix}_high"))
        if value is not None:
            numbers[label] = Measured(value, run.config.validation.levels, "levels", *ends)
    return numbers


def _table_of_runs(runs: Sequence[ReportedRun]) -> "Markup":
    sources = list(dict.fromkeys(source for run in runs for source in sources_of(run)))
    wanted = [(source, label) for source in sources for label in ("learned rule", "gain")]
    heads = [Column(f"{label}, {source}" if len(sources) > 1 else label, numeric=True) for source, label in wanted]
    rows = []
    for run in runs:
        cells: list[Any] = [run.name, run.config.curriculum, run.config.preset, run.config.seed]
        cells += [validated(run, source).get(label, Cell("–", "")) for source, label in wanted]
        effort = _effort(run)
        cells += [Cell(f"{run.last_step:,}", run.last_step)]
        cells += [Cell(effort.get(label, "–"), run.summary.get(metric, "")) for label, metric in _EFFORT.items()]
        rows.append(cells)
    effort_heads = [Column(title, numeric=True) for title in ("meta-steps", *_EFFORT)]
    heads = [Column("run"), Column("curriculum"), Column("preset"), Column("seed", numeric=True), *heads, *effort_heads]
    return table(f"Runs; returns as a share of {BASELINE_LABEL}'s on unseen levels", heads, rows)


def _effort(run: ReportedRun) -> dict[str, str]:
    texts = {}
    if run.summary.get("env_steps") is not None:
        texts["environment steps"] = quantity(run.summary["env_steps"])
    if run.summary.get("seconds") is not None:
        texts["training time"] = duration(run.summary["seconds"])
    return texts


def _about_outcome(run: ReportedRun) -> str:
    if not run.ended:
        return f"The run goes on, or was interrupted: the report shows its first {run.last_step:,} meta-steps."
    stopped = run.summary.get("stopped")
    return f"The run stopped {stopped}." if stopped else "The run is complete."


def _circumstances(run: ReportedRun) -> "Markup":
    config = run.config
    pairs = {
        "curriculum": config.curriculum,
        "antagonists": ", ".join(map(short_name, config.antagonists)),
        "rule": config.rule,
        "preset": config.preset,
        "seed": config.seed,
        "meta-optimizer": config.meta.optimizer,
        "directory": run.name,
    }
    last = run.starts[-1] if run.starts else {}
    return facts(pairs | {"last start": last.get("time", ""), "devices": device_text(last)})
