"""What results say: rules side by side on the same tasks, as numbers with intervals.

A task's score is normalised by two references among the rules: 0 is the random policy's mean return, 1 is A2C's. The
levels of a task are averaged before that, so that each task counts once; the profile alone is over single levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groove.evaluation import aggregate
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Interval

LOW, HIGH = "random", "a2c"
MARGIN = 1e-3  # of A2C's return over random's, below which a level or task cannot be normalised
AGGREGATES = {
    "IQM": aggregate.iqm,
    "median": aggregate.median,
    "mean": aggregate.mean,
    "optimality gap": aggregate.optimality_gap,
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TaskRow:
    """One task, every rule.

    Attributes:
      task: suite/name.
      env_steps: of one agent.
      levels, seeds: how many.
      returns: rule -> mean over levels and seeds, with an interval over seeds.
      curves: rule -> (environment steps [p], mean return [p] with its interval).
    """

    task: str
    env_steps: int
    levels: int
    seeds: int
    returns: Mapping[str, Interval[float]]
    curves: Mapping[str, tuple[npt.NDArray[np.int64], Interval[Floats]]]


@dataclass(frozen=True)
class Comparison:
    """Rules on the tasks that all of them were tested on.

    Attributes:
      budget: its name.
      rules: as they are shown, in the order asked for.
      rows: one a task.
      clusters: rule -> meta-seeds that are pooled under its name; its runs are theirs, one meta-seed after another.
      scores: rule -> f64[seeds, tasks], normalised; empty unless both references are among the results.
      scored: the tasks of `scores`.
      left_out: tasks whose references are too close to normalise by.
      profile: rule -> normalised scores of single levels, f64[seeds, levels of all scored tasks].
    """

    budget: str
    rules: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    clusters: Mapping[str, int]
    scores: Mapping[str, Floats]
    scored: tuple[str, ...]
    left_out: tuple[str, ...]
    profile: Mapping[str, Floats]


def compare(cells: Sequence[Cell], seed: int = 0) -> Comparison:
    """Puts cells of one budget side by side.

    Cells of one rule name on one task are pooled: rules may be given one name to be taken as one, as the meta-seeds of
    a method are. Only the seeds that all rules have are used, and as many meta-seeds as there are on every task.

    Args:
      cells: of one budget.
      seed: of the bootstraps.

    Raises:
      ValueError: if there is nothing to compare, or budgets are mixed.
    """
    budgets = {cell.budget for cell in cells}
    if len(budgets) != 1:
        raise ValueError(f"expected results of one budget, got {sorted(budgets) or 'none'}; choose one with --budget.")
    rules = tuple(dict.fromkeys(cell.rule for cell in cells))
    grouped: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        grouped.setdefault(cell.task, {}).setdefault(cell.rule, []).append(cell)
    complete = {task: by_rule for task, by_rule in grouped.items() if set(by_rule) == set(rules)}
    if not complete:
        raise ValueError("no task has results of every rule; run launch/meta_test.py for those that are missing.")
    clusters = {rule: min(len(by_rule[rule]) for by_rule in complete.values()) for rule in rules}
    pooled = {
        task: _pool({rule: cells[: clusters[rule]] for rule, cells in by_rule.items()})
        for task, by_rule in complete.items()
    }
    rows = tuple(_row(task, complete[task], pooled[task], clusters, seed) for task in pooled)
    normalised = dict(_normalise(pooled)) if {LOW, HIGH} <= set(rules) else {}
    return Comparison(
        budget=budgets.pop(),
        rules=rules,
        rows=rows,
        clusters=clusters,
        scores=_stack(clusters, [means for means, _ in normalised.values()]),
        scored=tuple(normalised),
        left_out=tuple(task for task in pooled if normalised and task not in normalised),
        profile=_stack(clusters, [levels for _, levels in normalised.values()]),
    )


def aggregates(comparison: Comparison, seed: int = 0) -> dict[str, dict[str, Interval[float]]]:
    """Statistic -> rule -> value with a 95 % stratified bootstrap interval, of the normalised scores."""
    found: dict[str, dict[str, Interval[float]]] = {name: {} for name in (*AGGREGATES, f"P(better than {HIGH})")}
    for rule, scores in comparison.scores.items():
        for name, statistic in AGGREGATES.items():
            found[name][rule] = aggregate.stratified_bootstrap(
                statistic, scores, rng=np.random.default_rng(seed), clusters=[comparison.clusters[rule]]
            )
        if rule not in (LOW, HIGH):
            found[f"P(better than {HIGH})"][rule] = aggregate.stratified_bootstrap(
                aggregate.probability_of_improvement,
                scores,
                comparison.scores[HIGH],
                rng=np.random.default_rng(seed),
                clusters=[comparison.clusters[rule], comparison.clusters[HIGH]],
            )
    return found


def _pool(by_rule: Mapping[str, Sequence[Cell]]) -> dict[str, Floats]:
    """rule -> returns f64[levels, runs, p] on the seeds that every cell has; runs are cells x seeds."""
    cells = [cell for group in by_rule.values() for cell in group]
    common = sorted(set.intersection(*(set(cell.seeds) for cell in cells)))
    if not common:
        raise ValueError(f"the rules have no seed in common on {cells[0].task}; run launch/meta_test.py again.")
    if len({cell.returns.shape[0] for cell in cells}) > 1:
        raise ValueError(f"results on {cells[0].task} are of different levels; run launch/meta_test.py again.")
    return {
        rule: np.concatenate([c.returns[:, [c.seeds.index(s) for s in common]] for c in group], axis=1)
        for rule, group in by_rule.items()
    }


def _row(
    task: str,
    by_rule: Mapping[str, Sequence[Cell]],
    pooled: Mapping[str, Floats],
    clusters: Mapping[str, int],
    seed: int,
) -> TaskRow:
    curves = {}
    for rule, returns in pooled.items():
        rng = np.random.default_rng(seed)
        interval = aggregate.task_intervals(returns.mean(0), rng=rng, clusters=clusters[rule])  # points as tasks
        curves[rule] = (by_rule[rule][0].env_steps, interval)
    last = {rule: Interval(*(float(x[-1]) for x in interval)) for rule, (_, interval) in curves.items()}
    first = next(iter(pooled.values()))
    steps = int(next(iter(by_rule.values()))[0].env_steps[-1])
    return TaskRow(task, steps, first.shape[0], min(r.shape[1] for r in pooled.values()), last, curves)


def _normalise(
    pooled: Mapping[str, Mapping[str, Floats]],
) -> Iterator[tuple[str, tuple[dict[str, Floats], dict[str, Floats]]]]:
    """task -> (rule -> f64[runs, 1] of the task, rule -> f64[runs, levels]), where the references differ."""
    for task, by_rule in pooled.items():
        final = {rule: returns[:, :, -1].T for rule, returns in by_rule.items()}  # [runs, levels]
        low, high = final[LOW].mean(0), final[HIGH].mean(0)
        if not high.mean() - low.mean() > MARGIN:
            continue
        apart = aggregate.comparable(low, high, MARGIN)
        means = {
            rule: aggregate.normalise(x.mean(1, keepdims=True), [low.mean()], [high.mean()])
            for rule, x in final.items()
        }
        levels = {rule: aggregate.normalise(x[:, apart], low[apart], high[apart]) for rule, x in final.items()}
        yield task, (means, levels)


def _stack(clusters: Mapping[str, int], parts: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    """rule -> the columns of every task side by side, on as many runs of every meta-seed as every task has."""
    if not parts:
        return {}
    stacked = {}
    for rule, count in clusters.items():
        grouped = [part[rule].reshape(count, -1, part[rule].shape[1]) for part in parts]
        runs = min(x.shape[1] for x in grouped)
        stacked[rule] = np.concatenate([x[:, :runs].reshape(count * runs, -1) for x in grouped], axis=1)
    return stacked


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The numbers of the tables, JSON-able."""
    return {
        "budget": comparison.budget,
        "rules": list(comparison.rules),
        "tasks": {
            row.task: {
                "env_steps": row.env_steps,
                "levels": row.levels,
                "seeds": row.seeds,
                "returns": {rule: list(value) for rule, value in row.returns.items()},
            }
            for row in comparison.rows
        },
        "aggregates": {
            name: {rule: list(value) for rule, value in by_rule.items()}
            for name, by_rule in aggregates(comparison).items()
        },
        "left_out": list(comparison.left_out),
    }
