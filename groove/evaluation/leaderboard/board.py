"""The leaderboard as data: rules, tasks, scores by suite and skill, and how stable their order is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groove.evaluation.leaderboard.cells import RANDOM, Say
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
from groove.evaluation.meta_seeds import ByTask, by_meta_seed
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
      cells: task -> {digest of a meta-seed: its cell}, sorted by the digests.
      scores: task -> score.
      columns: column -> score, for the columns of which the rule has every task.
      curves: task -> learning curve.
    """

    rule: str
    cells: Mapping[str, Mapping[str, Cell]]
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
      ranks: column -> ranks of the rules that have more than one run on each of its tasks.
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
    grouped = by_meta_seed(cells, said.append)
    tasks = ranked_tasks(grouped, anchors, said.append)
    columns = {column.name: column for column in columns_of(tasks, overall)}
    entries = [_entry(rule, by_task, tasks, columns, said.append) for rule, by_task in sorted(grouped.items())]
    entries = sorted((entry for entry in entries if entry.scores), key=_order)
    runs = {entry.rule: Runs(entry.rule, entry.cells, tasks, seed) for entry in entries}
    varying = {
        name: [entry for entry in entries if name in entry.columns and runs[entry.rule].varies(column)]
        for name, column in columns.items()
    }
    said += [note for name, column in columns.items() for note in _fewer_meta_seeds(column, varying[name], runs)]
    return Board(
        budget=cells[0].budget,
        tasks=tasks,
        columns=columns,
        entries=tuple(entries),
        ranks={name: _ranks(column, varying[name], runs) for name, column in columns.items() if varying[name]},
        profiles={
            name: {entry.rule: runs[entry.rule].profile(column) for entry in varying[name]}
            for name, column in columns.items()
            if column.group in (OVERALL, SUITES)
        },
        notes=tuple(dict.fromkeys(said)),
    )


def _entry(
    rule: str,
    by_task: ByTask,
    tasks: Mapping[str, RankedTask],
    columns: Mapping[str, Column],
    say: Say,
) -> Entry:
    fitting = {
        path: dict(sorted(group.items()))
        for path, group in sorted(by_task.items())
        if path in tasks and _fits(rule, list(group.values()), tasks[path], say)
    }
    scores, curves = {}, {}
    for path, group in fitting.items():
        task, cells = tasks[path], list(group.values())
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


def _fewer_meta_seeds(column: Column, entries: Sequence[Entry], runs: Mapping[str, Runs]) -> Iterator[str]:
    """Yield a sentence about every rule whose ranks in a column leave out meta-seeds."""
    for entry in entries:
        most, count = max(len(entry.cells[path]) for path in column.weights), len(runs[entry.rule].meta_seeds(column))
        if count < most:
            yield (
                f"ranks and profiles of {column.name} count {count} of {most} meta-seeds of {entry.rule}, those with "
                "results on every task of the column."
            )


def _ranks(column: Column, entries: Sequence[Entry], runs: Mapping[str, Runs]) -> Ranks:
    rules = tuple(entry.rule for entry in entries)
    return Ranks(rules, rank_probabilities(np.stack([runs[rule].resamples(column) for rule in rules])))
