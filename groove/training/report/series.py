"""Logged metrics as curves of a report: thinned to a bounded number of points, with n and spread."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from groove.pages.charts import line_chart
from groove.pages.palette import COLOURS
from groove.training.report.reported_run import ReportedRun

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_POINTS = 200  # of one curve
MOST_ON_PAGE = 30_000  # points of all curves of a page, about two megabytes
STEPS = "meta-steps"
_DIGITS = 5
_NONE = (np.zeros(0), np.zeros(0))

Points = list[dict[str, Any]]


class Curves:
    """Draws metrics of one or several runs, with as many points a curve as the page has room for."""

    def __init__(self, runs: Sequence[ReportedRun]) -> None:
        """Take the runs of the page."""
        self.runs = runs
        curves = sum(len(run.columns) for run in runs)
        self.most = max(40, min(MOST_POINTS, MOST_ON_PAGE // max(1, curves)))

    def chart(
        self,
        title: str,
        lines: Mapping[str, str],
        *,
        y: str = "",
        log: bool = False,
        zero: bool = False,
        spread: Mapping[str, tuple[str, str]] | None = None,
        count: Callable[[ReportedRun, Mapping[str, Any]], float] | None = None,
        n_of: str = STEPS,
        adds_up: bool = True,
        reference: Mapping[str, float] | None = None,
        caption: str = "",
        height: int = 200,
    ) -> "Markup | str":
        """Return a chart of metrics over meta-steps; an empty text if no run has logged any of them.

        Args:
          title: of the chart.
          lines: metric -> label in the legend.
          y: title of the vertical axis.
          log: whether the vertical axis is logarithmic, if all values are positive.
          zero: whether the vertical axis begins at 0.
          spread: metric -> the metrics that are the ends of its band; by default, the band of a point that stands for
            several rows of the log is their range.
          count: (run, row) -> n of the row; by default, its meta-steps.
          n_of: what n counts.
          adds_up: whether several rows of the log count different things, so that their n are added; otherwise a point
            that stands for several rows has their least n.
          reference: label -> height of horizontal lines.
          caption: text below the chart.
          height: pixels.
        """
        rows: Points = []
        names, colours = [], {}
        for r, run in enumerate(self.runs):
            for i, (metric, label) in enumerate(lines.items()):
                ends = (spread or {}).get(metric)
                found = self._points(run, metric, ends, count, np.sum if adds_up else np.min)
                if found:
                    name = self._name(run, label, len(lines))
                    names.append(name)
                    colours[name] = COLOURS[(r if len(self.runs) > 1 else i) % len(COLOURS)]
                    rows += [point | {"series": name} for point in found]
        if not rows:
            return ""
        positive = all(row["y"] > 0 and row.get("low", 1) > 0 for row in rows)
        return line_chart(
            rows,
            title=title,
            description=_describe(title, rows, names),
            x=STEPS,
            y=y,
            series=names,
            colours=colours,
            log=log and positive,
            zero=zero,
            reference=reference,
            points=max(map(sum, _counts(rows, names))) <= 12,
            n_of=n_of,
            band="interval" if spread else "range",
            height=height,
            caption=caption,
        )

    def charts(self, title: str, lines: Mapping[str, str], **settings: Any) -> "list[Markup | str]":
        """Return one chart of the metrics; of several runs, one for each metric, so that curves can be told apart."""
        if len(self.runs) == 1 or len(lines) == 1:
            return [self.chart(title, lines, **settings)]
        return [self.chart(f"{title}: {label}", {metric: label}, **settings) for metric, label in lines.items()]

    def _name(self, run: ReportedRun, label: str, lines: int) -> str:
        if len(self.runs) == 1:
            return label
        return run.name if lines == 1 else f"{run.name}: {label}"

    def _points(
        self,
        run: ReportedRun,
        metric: str,
        ends: tuple[str, str] | None,
        count: Callable[[ReportedRun, Mapping[str, Any]], float] | None,
        joined: Callable[[np.ndarray], float],
    ) -> Points:
        """Return the points of one curve; each is the mean over rows of the log that follow each other."""
        steps, values = run.columns.get(metric, _NONE)
        if not len(steps):
            return []
        counts = _counts_of(run, steps, count)
        bands = [_at(run, end, steps) for end in ends] if ends else [values, values]
        size = -(-len(steps) // self.most)
        points = []
        for start in range(0, len(steps), size):
            part = slice(start, start + size)
            point = {"x": int(steps[part][-1]), "y": _round(values[part].mean()), "n": int(joined(counts[part]))}
            low, high = (
                (bands[0][part].mean(), bands[1][part].mean()) if ends else (values[part].min(), values[part].max())
            )
            if np.isfinite(low) and np.isfinite(high) and (ends or size > 1):
                point |= {"low": _round(low), "high": _round(high)}
            points.append(point)
        return points


def _counts_of(
    run: ReportedRun, steps: np.ndarray, count: Callable[[ReportedRun, Mapping[str, Any]], float] | None
) -> np.ndarray:
    """Return n of the rows at these meta-steps."""
    if count is None:
        return np.diff(steps, prepend=0.0)
    known: dict[float, float] = {}
    for row in run.rows:  # the row of a validation has the meta-step of the row before, and not its metrics
        known[row["step"]] = max(known.get(row["step"], 0.0), float(np.nan_to_num(count(run, row))))
    return np.array([known[step] for step in steps])


def _at(run: ReportedRun, metric: str, steps: np.ndarray) -> np.ndarray:
    """Return the values of a metric at meta-steps, NaN where it was not logged."""
    known = dict(zip(*run.columns.get(metric, _NONE), strict=True))
    return np.array([known.get(step, np.nan) for step in steps])


def _counts(rows: Points, names: Sequence[str]) -> list[list[bool]]:
    return [[row["series"] == name for row in rows] for name in names]


def _describe(title: str, rows: Points, names: Sequence[str]) -> str:
    """Return the words for people who do not see the chart: the first and the last value of each curve."""
    texts = []
    for name in names:
        own = [row for row in rows if row["series"] == name]
        texts.append(f"{name} from {own[0]['y']:.3g} at {own[0]['x']:,} to {own[-1]['y']:.3g} at {own[-1]['x']:,}")
    return f"{title} over meta-steps: {'; '.join(texts)}."


def _round(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
