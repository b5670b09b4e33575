"""Scores and returns as pages show them: never without their interval and n."""

import itertools
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from groove.evaluation.leaderboard.board import Board, Curve, Entry
from groove.evaluation.leaderboard.tasks import Column
from groove.evaluation.progression.scores import Score, student_quantile
from groove.pages.measures import Measured
from groove.pages.parts import Cell
from groove.pages.templates import render

if TYPE_CHECKING:
    from markupsafe import Markup

ONE_RUN = "one run, no interval"  # what stands in the place of a number without interval
LEGEND = "n = 3 × 5 stands for 3 meta-seeds with 5 agents each, n = 5 for 5 agents of a single rule."


class Progress(Measured):
    """A score, which is shown with two digits behind the point."""

    @property
    def number(self) -> str:
        """The score alone."""
        return _two_digits(self.value)

    @property
    def interval(self) -> str:
        """The interval, as in "[0.79, 0.87]"."""
        return f"[{_two_digits(self.low or 0.0)}, {_two_digits(self.high or 0.0)}]"


def _two_digits(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # no minus before zero


def runs_of(score: Score) -> tuple[int, str]:
    """Return the number of independent runs, and what follows it."""
    return (score.meta_seeds, f"× {score.agents}") if score.meta_seeds > 1 else (score.agents, "")


def score_cell(score: Score) -> Cell:
    """Return the cell of a score with its 95 % interval."""
    value, low, high = score.interval()
    if math.isnan(low):
        return Cell(ONE_RUN, "")
    return Cell(Progress(value, *runs_of(score), low, high), value)


def column_cell(entry: Entry, column: Column) -> Cell:
    """Return the cell of a rule in a column; how many of its tasks the rule has, if it lacks one."""
    if column.name in entry.columns:
        return score_cell(entry.columns[column.name])
    held = len(entry.held(column))
    return Cell(f"{held} of {len(column.weights)} tasks" if held else "no task", "")


def return_cell(entry: Entry, task: str) -> Cell:
    """Return the cell of a rule's mean return on a task at the end of life, with its 95 % interval."""
    curve, score = entry.curves[task], entry.scores[task]
    mean, low, high = (float(each[-1]) for each in ends(curve))
    if math.isnan(low):
        return Cell(ONE_RUN, "")
    return Cell(Measured(mean, *runs_of(score), low, high), mean)


def ends(curve: Curve) -> tuple[Any, Any, Any]:
    """Return the mean of a learning curve and the ends of its 95 % interval, f[points] each."""
    half = student_quantile(0.975, float(curve.freedom)) * curve.error
    return curve.mean, curve.mean - half, curve.mean + half


def slugs(kind: str, names: Iterable[str]) -> dict[str, str]:
    """Return name -> identifier of its place on the page; no two names share one."""
    found: dict[str, str] = {}
    for name in names:
        slug = f"{kind}-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')}"
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        found[name] = next(each for each in itertools.chain([slug], numbered) if each not in found.values())
    return found


def rule_ids(board: Board) -> dict[str, str]:
    """Return rule -> identifier of its entry on the page."""
    return slugs("rule", [entry.rule for entry in board.entries])


def task_ids(board: Board) -> dict[str, str]:
    """Return task -> identifier of its entry on the page."""
    return slugs("task", board.tasks)


def link(identifier: str, text: str) -> "Markup":
    """Return a link to an entry of the page."""
    return render("leaderboard/link.html", identifier=identifier, text=text)


def unfolding(identifier: str, title: str, *parts: Any, note: str = "") -> "Markup":
    """Return parts that are hidden until somebody opens them, or follows a link to them."""
    return render("leaderboard/unfolding.html", identifier=identifier, title=title, note=note, parts=parts)
