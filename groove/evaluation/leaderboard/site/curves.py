"""The tabs of performance profiles and of single tasks, with their learning curves."""

import math
from typing import TYPE_CHECKING

from groove.evaluation.leaderboard.board import Board, Entry
from groove.evaluation.leaderboard.cells import RANDOM
from groove.evaluation.leaderboard.runs import THRESHOLDS
from groove.evaluation.leaderboard.site.shown import (
    LEGEND,
    ends,
    link,
    return_cell,
    rule_ids,
    runs_of,
    score_cell,
    task_ids,
    unfolding,
)
from groove.evaluation.leaderboard.tasks import OVERALL, RankedTask
from groove.pages import charts, parts
from groove.pages.parts import Cell
from groove.pages.templates import render
from groove.utils.text import quantity

if TYPE_CHECKING:
    from markupsafe import Markup

_PROFILE_HEIGHT, _CURVE_HEIGHT = 340, 300  # pixels


def profiles(board: Board) -> "Markup":
    """Return the tab of performance profiles, overall and by suite."""
    about = (
        "The share of agents and tasks with a score above tau, with 95 % bootstrap intervals over meta-seeds and "
        "agents (Agarwal et al. 2021). Every task counts the same. Scores of single agents are not clipped. A click "
        "on the legend picks a rule."
    )
    drawn = []
    for name, by_rule in board.profiles.items():
        if by_rule:
            chart = _profile(board, name)
            drawn.append(chart if name == OVERALL else unfolding(f"profile-{name}", name, chart))
    return parts.section("Performance profiles", *drawn, about=about)


def tasks(board: Board) -> "Markup":
    """Return the tab of tasks: anchors, learning curves, and the rules on each task."""
    about = f"Open a task to see the learning curves of all rules, with 95 % intervals. {LEGEND}"
    ids = task_ids(board)
    each = [unfolding(ids[path], path, *_task(board, task), note=_sizes(task)) for path, task in board.tasks.items()]
    return parts.section("Tasks", *each, about=about)


def _profile(board: Board, name: str) -> "Markup":
    entries, rows = {entry.rule: entry for entry in board.entries}, []
    for rule, band in board.profiles[name].items():
        n = runs_of(entries[rule].columns[name])[0]
        rows += [
            {
                "x": round(float(x), 3),
                "y": round(y, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "n": n,
                "series": rule,
            }
            for x, y, low, high in zip(THRESHOLDS, *(each.tolist() for each in band), strict=True)
        ]
    return charts.line_chart(
        rows,
        title=f"{name}, {len(board.columns[name].weights)} tasks",
        description=f"Performance profiles, {name}: the share of agents and tasks above each score, one curve a rule.",
        x="score tau",
        y="share above tau",
        series=list(board.profiles[name]),
        zero=True,
        n_of="runs",
        band="95 % interval",
        height=_PROFILE_HEIGHT,
    )


def _task(board: Board, task: RankedTask) -> tuple["Markup", ...]:
    entries = [entry for entry in board.entries if task.path in entry.scores]
    several = [entry for entry in entries if not math.isnan(float(entry.curves[task.path].error[-1]))]
    rows = [row for entry in several for row in _curve(entry, task)]
    chart = charts.line_chart(
        rows,
        title=task.path,
        description=f"Learning curves on {task.path}: mean return against environment steps, one curve a rule.",
        x="environment steps of one agent",
        y="mean return",
        series=[entry.rule for entry in several],
        reference={"best known": task.anchor.best},
        n_of="runs",
        band="95 % interval",
        height=_CURVE_HEIGHT,
        caption="" if len(several) == len(entries) else "Rules with a single run have no interval and are not drawn.",
    )
    ids = rule_ids(board)
    table = parts.table(
        f"Rules on {task.path}",
        ["rule", parts.Column("score", True), parts.Column("return at the end of life", True), "clipped"],
        [
            [
                Cell(link(ids[entry.rule], entry.rule), entry.rule),
                score_cell(entry.scores[task.path]),
                return_cell(entry, task.path),
                _clipping(entry, task.path),
            ]
            for entry in sorted(entries, key=lambda entry: -entry.scores[task.path].unclipped)
        ],
    )
    return render("leaderboard/note.html", text=_anchors(task)), chart, table


def _curve(entry: Entry, task: RankedTask) -> list[dict[str, object]]:
    score = entry.scores[task.path]
    n = runs_of(score)[0]
    columns = zip(task.env_steps, *(each.tolist() for each in ends(entry.curves[task.path])), strict=True)
    return [
        {"x": x, "y": _short(y), "low": _short(low), "high": _short(high), "n": n, "series": entry.rule}
        for x, y, low, high in columns
    ]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _clipping(entry: Entry, path: str) -> str:
    """Return in words what clipping did to a score."""
    score = entry.scores[path]
    if not score.clipped:
        return ""
    if _short(score.unclipped) == 1:  # the rule whose return is the anchor
        return ""
    return "above the best known" if score.unclipped > 1 else f"below {RANDOM} play"


def _sizes(task: RankedTask) -> str:
    return f"{task.levels} level{'s' * (task.levels > 1)}, {quantity(task.env_steps[-1])} steps an agent"


def _anchors(task: RankedTask) -> str:
    """Return in two sentences what scores 0 and 1 on a task."""
    anchor = task.anchor
    measured = (
        f" ± {quantity(anchor.standard_error)} (standard error, n = {anchor.agents} agents)" if anchor.agents else ""
    )
    error = f"standard error {quantity(task.random_error)}, " if math.isfinite(task.random_error) else ""
    return (
        f"0 is the return of random play, {quantity(task.random)} ({error}n = {task.random_agents} agents). "
        f"1 is {quantity(anchor.best)}{measured}, {anchor.kind}: {anchor.source}."
    )
