"""The tab of the meta-validation: by domain, through time, and level by level."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from groove.pages.charts import ZOOM, embed
from groove.pages.palette import import_altair
from groove.pages.parts import Cell, Column, grid, section, table
from groove.training.report.outcome import FIRST_SOURCE, metric_of, sources_of, validated
from groove.training.report.reported_run import ReportedRun
from groove.training.report.series import Curves
from groove.training.settings.config import BASELINE, BASELINE_LABEL

if TYPE_CHECKING:
    from markupsafe import Markup

_CURVES = (  # metric, and what the names of the ends of its interval begin with
    ("normalised_return", "normalised"),
    ("untrained_normalised", "untrained"),
)


def first_rule_of(runs: Sequence[ReportedRun]) -> str:
    """Return what the rules before meta-training are called, which are untrained in some runs and trained in others."""
    return " or ".join(sorted({run.config.first_rule for run in runs}, reverse=True))


def validation_tab(curves: Curves) -> "Markup":
    """Return the meta-validation by domain: a table, curves with intervals, and every level of the last one."""
    runs = curves.runs
    sources = list(dict.fromkeys(source for run in runs for source in sources_of(run)))
    if not sources:
        return section("Meta-validation", about="No run was validated yet.")
    parts = []
    for source in sources:
        lines, spread = {}, {}
        for label, (value, prefix) in zip(("learned rule", first_rule_of(runs)), _CURVES, strict=True):
            lines[metric_of(source, value)] = label
            spread[metric_of(source, value)] = (metric_of(source, f"{prefix}_low"), metric_of(source, f"{prefix}_high"))
        charts = curves.charts(
            f"Return on unseen levels of {source}",
            lines,
            y=f"share of {BASELINE_LABEL}'s",
            spread=spread,
            count=lambda run, row: run.config.validation.levels,
            n_of="levels",
            adds_up=False,
            reference={BASELINE_LABEL: 1.0},
            height=240,
            caption="Bands are 95 % bootstrap intervals over levels.",
        )
        parts += [*charts, *(_by_level(run, source, len(runs) > 1) for run in runs)]
    return section(
        "Meta-validation",
        _validation_table(runs),
        grid(parts),
        about="New agents live on levels that training never draws. Returns are ratios to those of "
        f"{BASELINE_LABEL}, of means over levels, with 95 % bootstrap intervals. {ZOOM}",
    )


def _validation_table(runs: Sequence[ReportedRun]) -> "Markup":
    rows = []
    for run in runs:
        labels = ("learned rule", run.config.first_rule, "gain")
        for source in sources_of(run):
            found = validated(run, source)
            rows.append([run.name, source, *(found.get(label, Cell("–", "")) for label in labels)])
    labels = ("learned rule", first_rule_of(runs), "gain")
    columns = [Column("run"), Column("levels"), *(Column(label, numeric=True) for label in labels)]
    return table(f"The last meta-validation, as a share of {BASELINE_LABEL}'s return", columns, rows)


def _by_level(run: ReportedRun, source: str, named: bool) -> "Markup | str":
    """Return a chart of the last validation with one point for each level."""
    prefix = "" if source == FIRST_SOURCE else f"{source}/"
    student, baseline = (run.returns.get(prefix + name) for name in ("student", BASELINE))
    if not student or not baseline or len(student) != len(baseline):
        return ""
    alt = import_altair()
    rows = [{"x": x, "y": y, "level": i} for i, (x, y) in enumerate(zip(baseline, student, strict=True))]
    ends = [min(*student, *baseline), max(*student, *baseline)]
    line = alt.Chart(alt.InlineData(values=[{"x": end, "y": end} for end in ends])).mark_line(
        color="#767676", strokeDash=[4, 3]
    )
    points = alt.Chart(alt.NamedData("levels")).mark_circle(size=40, opacity=0.6, color="#0072B2")
    x = alt.X("x:Q", title=f"return under {BASELINE_LABEL}")
    y = alt.Y("y:Q", title="return under the rule")
    tips = [alt.Tooltip("level:Q"), alt.Tooltip("x:Q", title=BASELINE_LABEL), alt.Tooltip("y:Q", title="learned rule")]
    title = f"{source}, level by level" + (f": {run.name}" if named else "")
    chart = line.encode(x=x, y=y) + points.encode(x=x, y=y, tooltip=tips)
    above = sum(y > x for x, y in zip(baseline, student, strict=True))
    caption = (
        f"n = {len(rows)} levels, one agent each; the rule is ahead on {above}. Points above the line: it is ahead."
    )
    return embed(
        chart.properties(width="container", height=240, title=title),
        f"Returns at the end of life on {len(rows)} unseen levels; the learned rule is ahead on {above}.",
        data={"levels": rows},
        caption=caption,
    )
