"""The leaderboard as data: rules, tasks, scores by suite and skill, and how stable their order is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groove.evaluation.leaderboard.cells import RANDOM, Say, identity
from groove.evaluation.leaderboard.runs import Runs
from groove.evaluation.leaderboard.tasks import (
    OVERALL,
    OVERALL_SUITES,
    SUITES,
    Column,
    RankedTask,
    columns_of,
    ranked_tasks,
)
from groove.evaluation.progression.anchors import Anchors
from groove.evaluation.progression.ranks import rank_probabilities
from groove.evaluation.progression.scores import Score, combine, mean_and_error, task_score
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Floats, Interval


@dataclass(frozen=True)
class Curve:
    """A learning curve: mean return at each point, its standard error, and their degrees of freedom."""

    mean: Floats
    error: Floats
    freedom: int


@dataclass(frozen=True)
class Entry:
    """A rule on the leaderboard.

    Attributes:
      rule: the name.
      cells: task -> the cells of its meta-seeds, sorted by the digests of the rules.
      scores: task -> score.
      columns: column -> score, for the columns of which the rule has every task.
      curves: task -> learning curve.
    """

    rule: str
    cells: Mapping[str, tuple[Cell, ...]]
    scores: Mapping[str, Score]
    columns: Mapping[str, Score]
    curves: Mapping[str, Curve]

    def held(self, column: Column) -> list[str]:
        """Return the tasks of a column of which the rule has results."""
        return [path for path in column.weights if path in self.scores]

    def mean_over(self, paths: Sequence[str]) -> Score | None:
        """Return the mean score over some tasks, each of which counts the same; None if the rule lacks one of them."""
        if not paths or not set(paths) <= set(self.scores):
            return None
        return combine([self.scores[path] for path in paths], [1 / len(paths)] * len(paths))


@dataclass(frozen=True)
class Ranks:
    """The probability of each rank, f[rules, ranks], for the rules that have every task of a column."""

    rules: tuple[str, ...]
    probability: Floats


@dataclass(frozen=True)
class Board:
    """The leaderboard.

    Attributes:
      budget: name of the budget.
      tasks: the tasks, by path.
      columns: the columns, by name.
      entries: rules, the best overall first; rules without results of some task last.
      ranks: column -> ranks of the rules that have more than one run.
      profiles: column (overall and suites) -> rule -> share of agents above each of `runs.THRESHOLDS`.
      notes: sentences about everything that was left out.
    """

    budget: str
    tasks: Mapping[str, RankedTask]
    columns: Mapping[str, Column]
    entries: tuple[Entry, ...]
    ranks: Mapping[str, Ranks]
    profiles: Mapping[str, Mapping[str, Interval[Floats]]]
    notes: tuple[str, ...]


def make_board(
    cells: Sequence[Cell],
    anchors: Anchors,
    notes: Sequence[str] = (),
    seed: int = 0,
    overall: Collection[str] = OVERALL_SUITES,
) -> Board:
    """Rank rules by their progression.

    Args:
      cells: cells of one budget; cells of one rule name on one task are the meta-seeds of the rule.
      anchors: the returns that score 1.
      notes: sentences about what was left out before.
      seed: seed of the bootstraps; those of a rule do not depend on the other rules.
      overall: the suites of the overall score; all suites if no cell is of these.

    Raises:
      GrooveError: if no task has results of random play and an anchor.
    """
    said = list(notes)
    grouped = _grouped(cells, said.append)
    tasks = ranked_tasks(grouped, anchors, said.append)
    columns = {column.name: column for column in columns_of(tasks, overall)}
    entries = [_entry(rule, by_task, tasks, columns, said.append) for rule, by_task in sorted(grouped.items())]
    entries = sorted((entry for entry in entries if entry.scores), key=_order)
    runs = {entry.rule: Runs(entry.rule, entry.cells, tasks, seed) for entry in entries}
    several = [entry for entry in entries if not runs[entry.rule].single]
    return Board(
        budget=cells[0].budget,
        tasks=tasks,
        columns=columns,
        entries=tuple(entries),
        ranks={name: ranks for name, column in columns.items() if (ranks := _ranks(column, several, runs))},
        profiles={
            name: {entry.rule: runs[entry.rule].profile(column) for entry in several if name in entry.columns}
            for name, column in columns.items()
            if column.group in (OVERALL, SUITES)
        },
        notes=tuple(dict.fromkeys(said)),
    )


def _grouped(cells: Sequence[Cell], say: Say) -> dict[str, dict[str, tuple[Cell, ...]]]:
    """Return rule -> task -> cells, sorted by the digests of the rules."""
    found: dict[str, dict[str, dict[str, Cell]]] = {}
    for cell in cells:
        by_identity = found.setdefault(cell.rule, {}).setdefault(cell.task, {})
        if identity(cell) in by_identity:
            say(f"{cell.rule} has two experiments on {cell.task} with the same rule: the later one is shown.")
        by_identity[identity(cell)] = cell
    return {
        rule: {task: tuple(each for _, each in sorted(group.items())) for task, group in sorted(by_task.items())}
        for rule, by_task in found.items()
    }


def _entry(
    rule: str,
    by_task: Mapping[str, tuple[Cell, ...]],
    tasks: Mapping[str, RankedTask],
    columns: Mapping[str, Column],
    say: Say,
) -> Entry:
    fitting = {path: cells for path, cells in by_task.items() if path in tasks and _fits(rule, cells, tasks[path], say)}
    scores, curves = {}, {}
    for path, cells in fitting.items():
        task = tasks[path]
        scores[path] = task_score([cell.final.mean(axis=0) for cell in cells], task.random, task.anchor.best)
        mean, error, runs = mean_and_error([cell.returns.mean(axis=0) for cell in cells])
        curves[path] = Curve(mean, error, runs - 1)
    complete = {
        name: combine([scores[path] for path in column.weights], list(column.weights.values()))
        for name, column in columns.items()
        if set(column.weights) <= set(scores)
    }
    return Entry(rule, fitting, scores, complete, curves)


def _fits(rule: str, cells: Sequence[Cell], task: RankedTask, say: Say) -> bool:
    """Return whether results are of the same levels and points as those of random play."""
    for cell in cells:
        if (len(cell.returns), tuple(cell.env_steps.tolist())) != (task.levels, task.env_steps):
            say(f"{rule} is left out on {task.path}: its levels or steps differ from those of {RANDOM}.")
            return False
    return True


def _order(entry: Entry) -> tuple[bool, float, int, str]:
    score = entry.columns.get(OVERALL)
    return score is None, -score.value if score else 0.0, -len(entry.scores), entry.rule


def _ranks(column: Column, entries: Sequence[Entry], runs: Mapping[str, Runs]) -> Ranks | None:
    rules = [entry.rule for entry in entries if column.name in entry.columns]
    if not rules:
        return None
    return Ranks(tuple(rules), rank_probabilities(np.stack([runs[rule].resamples(column) for rule in rules])))
