"""The tabs of what was logged: meta-training, and the curriculum through time."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groove.pages.charts import ZOOM
from groove.pages.parts import closed, grid, section
from groove.training.antagonists import short_name
from groove.training.logs.curves import groups_of, panels_for, panels_of
from groove.training.report.reported_run import ReportedRun
from groove.training.report.series import STEPS, Curves

if TYPE_CHECKING:
    from markupsafe import Markup

_CURRICULUM_PANEL = "Replay share"  # of the run's picture; the report has a tab for the curriculum
_SCORES = ("score_mean", "score_p10", "score_p90", "score_median", "score_max")
_ABOUT = {
    "replay_share": "Share of the levels in use that are replayed.",
    "turnover": "Levels inserted into the buffer so far, as a multiple of its size.",
    "forgotten": "Levels dropped so far because their score was not finite.",
    "scored_fraction": "Share of the buffer that holds a scored level.",
    "staleness_mean": "Levels handed out since a scored level was, mean over the buffer.",
}


def training_tab(curves: Curves) -> "Markup":
    """Return the metrics of meta-training over meta-steps, and all that no other tab shows in a closed list."""
    names = tuple(dict.fromkeys(short_name(name) for run in curves.runs for name in run.config.antagonists))
    groups = dict.fromkeys(group for run in curves.runs for group in groups_of([run.columns]))
    panels = [*panels_for(names), *(panel for group in groups for panel in panels_of(group))]
    panels = [panel for panel in panels if not panel.title.startswith(_CURRICULUM_PANEL)]
    charts: list[Any] = []
    for panel in panels:
        lines = {name: label for name, label in panel.lines.items() if not _is_elsewhere(name)}
        count, n_of = (_finished, "lifetimes") if "regret" in lines else (None, STEPS)
        charts += curves.charts(panel.title, lines, log=panel.log, zero=panel.from_zero, count=count, n_of=n_of)
    shown = {name for panel in panels for name in panel.lines}
    others = [name for name in _names(curves.runs) if name not in shown and not _is_elsewhere(name)]
    return section(
        "Meta-training",
        grid(charts),
        _more("All other metrics", [curves.chart(name, {name: name}) for name in others]),
        about="A point is a mean over meta-steps, or over the lifetimes that ended in them (regret). A band is the "
        f"range of the rows of the log that a point stands for. {ZOOM}",
    )


def curriculum_tab(curves: Curves) -> "Markup":
    """Return the curriculum through time: scores and turnover of the buffer, and features of the levels in use."""
    runs = curves.runs
    charts: list[Any] = []
    features: list[Any] = []
    for prefix in dict.fromkeys(_groups(runs)):
        of = f", {prefix[:-1]}" if prefix else ""
        mean, low, high, median, most = (prefix + name for name in _SCORES)
        charts += curves.charts(
            f"Scores in the buffer{of}",
            {mean: "mean", median: "median", most: "highest"},
            spread={mean: (low, high)},
            count=functools.partial(_scored, prefix),
            n_of="scored levels",
            adds_up=False,
            caption="The band of the mean goes from the 10th to the 90th percentile.",
        )
        for name, about in _ABOUT.items():
            if name == "forgotten" and not any(run.summary.get(prefix + name) for run in runs):
                continue  # as usual
            title = f"{name.removesuffix('_mean').replace('_', ' ').capitalize()}{of}"
            charts.append(curves.chart(title, {prefix + name: name}, zero=True, caption=about))
        start = f"{prefix}levels/"
        for name in (name for name in _names(runs) if name.startswith(start)):
            feature = name.removeprefix(start)
            base = [run.summary.get(f"base_levels/{feature}") for run in runs]
            reference = {"unseen random levels": base[0]} if base[0] is not None and len(set(base)) == 1 else None
            features.append(
                curves.chart(
                    f"{feature.replace('_', ' ').capitalize()}{of}",
                    {name: feature},
                    reference=reference,
                    count=lambda run, row: run.config.levels_at_once,
                    n_of="levels",
                    adds_up=False,
                    height=150,
                )
            )
    return section(
        "Curriculum through time",
        grid(charts) if any(charts) else "The curriculum keeps no levels.",
        section("Features of the levels in use", grid(features), about=f"Means over the levels in use. {ZOOM}"),
    )


def _more(title: str, charts: Sequence[Any]) -> "Markup | str":
    return closed(f"{title} ({sum(map(bool, charts))})", grid(charts)) if any(charts) else ""


def _names(runs: Sequence[ReportedRun]) -> list[str]:
    """Return the names of all metrics, in the order in which they were first logged."""
    return list(dict.fromkeys(name for run in runs for name in run.columns))


def _groups(runs: Sequence[ReportedRun]) -> Iterator[str]:
    """Return the prefixes of the metrics of the curriculum: none, or one for each kind of agent."""
    for name in _names(runs):
        head, found, _ = f"/{name}".partition("/levels/")
        if found and head != "/base":
            yield f"{head[1:]}/" if head else ""


def _is_elsewhere(name: str) -> bool:
    """Return whether a metric is on the tabs for the validation or the curriculum."""
    last = name.rpartition("/")[2]
    of_validation = name.startswith("validation/") or "/validation/" in name
    of_levels = name.startswith(("levels/", "base_levels/")) or "/levels/" in name
    return of_validation or of_levels or last in (*_SCORES, *_ABOUT)


def _finished(run: ReportedRun, row: Mapping[str, Any]) -> float:
    return float(row.get("finished") or 0.0)


def _scored(prefix: str, run: ReportedRun, row: Mapping[str, Any]) -> float:
    return float(row.get(f"{prefix}scored_fraction") or 0.0) * run.config.plr.buffer_size
