"""Rules side by side on the same tasks, as numbers with intervals.

Two references among the rules normalise the scores of a task: 0 is the mean return of the random policy, 1 is the mean
return of A2C. The levels of a task are averaged before, so that each task counts once. Only the performance profile is
over single levels.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groove.evaluation.comparisons import aggregate
from groove.evaluation.meta_seeds import by_meta_seed, common_meta_seeds
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Floats, Interval, stratified_bootstrap
from groove.utils.errors import GrooveError

LOW, HIGH = "random", "a2c"
RIVALS = (HIGH, "ppo")  # rules that others should beat, unless a comparison names others
MARGIN = 1e-3  # least difference between the references' returns by which a level or task is normalised
AGGREGATES = {
    "IQM": aggregate.iqm,
    "median": aggregate.median,
    "mean": aggregate.mean,
    "optimality gap": aggregate.optimality_gap,
}

_Cells = Mapping[str, Sequence[Cell]]  # rule -> its cells on one task


@dataclass(frozen=True)
class TaskRow:
    """The returns of every rule on one task.

    Attributes:
      task: SUITE/NAME.
      env_steps: environment steps of one agent.
      levels: number of levels.
      agents: rule -> number of its agents on every level, of all its meta-seeds.
      returns: rule -> mean return over levels and seeds, with an interval over seeds.
      curves: rule -> (environment steps i64[points], mean return with its interval f64[points]).
    """

    task: str
    env_steps: int
    levels: int
    agents: Mapping[str, int]
    returns: Mapping[str, Interval[float]]
    curves: Mapping[str, tuple[npt.NDArray[np.int64], Interval[Floats]]]


@dataclass(frozen=True)
class Comparison:
    """Rules on the tasks on which all of them were tested.

    Attributes:
      budget: name of the budget.
      rules: names of the rules as shown, in the order of the columns.
      rows: one row per task.
      clusters: rule -> number of meta-seeds that are pooled under its name. The runs of a rule are those of its
        meta-seeds, one meta-seed after another.
      scores: rule -> normalised scores f64[runs, tasks]; empty unless both references are among the rules.
      scored: the tasks of `scores`.
      left_out: tasks whose references are too close to normalise by.
      profile: rule -> normalised scores of single levels, f64[runs, levels of all scored tasks].
      rivals: rules for which the probability of being better is computed.
      notes: sentences about results that do not count.
    """

    budget: str
    rules: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    clusters: Mapping[str, int]
    scores: Mapping[str, Floats]
    scored: tuple[str, ...]
    left_out: tuple[str, ...]
    profile: Mapping[str, Floats]
    rivals: tuple[str, ...]
    notes: tuple[str, ...]


def compare_cells(cells: Sequence[Cell], seed: int = 0, rivals: Sequence[str] = ()) -> Comparison:
    """Compare the cells of one budget.

    Cells of one rule name on one task are pooled, so that the meta-seeds of a method can share one name. The comparison
    uses the meta-seeds that a rule has on every task, and the seeds of agents that all its meta-seeds have on a task.

    Args:
      cells: cells of one budget.
      seed: seed of the bootstraps.
      rivals: rules for which the probability of being better is computed; if empty, A2C and PPO where they were tested.

    Raises:
      GrooveError: if there is nothing to compare, budgets are mixed, or a rival is not among the rules.
    """
    budgets = {cell.budget for cell in cells}
    if len(budgets) != 1:
        raise GrooveError(f"expected results of one budget, got {sorted(budgets) or 'none'}; choose one with --budget.")
    rules = tuple(dict.fromkeys(cell.rule for cell in cells))
    if missing := [rival for rival in rivals if rival not in rules]:
        raise GrooveError(f"{missing[0]} is a rival but not among the rules that are compared: {', '.join(rules)}.")
    notes: list[str] = []
    complete = _complete_tasks(cells, rules, notes.append)
    clusters = {rule: len(group) for rule, group in next(iter(complete.values())).items()}
    pooled = {task: _pool(by_rule) for task, by_rule in complete.items()}
    referenced = {LOW, HIGH} <= set(rules)
    normalised = dict(_normalise(pooled)) if referenced else {}
    return Comparison(
        budget=budgets.pop(),
        rules=rules,
        rows=tuple(_row(task, complete[task], pooled[task], clusters, seed) for task in pooled),
        clusters=clusters,
        scores=_stack(clusters, [means for means, _ in normalised.values()]),
        scored=tuple(normalised),
        left_out=tuple(task for task in pooled if referenced and task not in normalised),
        profile=_stack(clusters, [levels for _, levels in normalised.values()]),
        rivals=tuple(rivals) or tuple(rival for rival in RIVALS if rival in rules),
        notes=tuple(dict.fromkeys(notes)),
    )


def agents_of_each(comparison: Comparison) -> dict[str, tuple[int, int]]:
    """Return rule -> the number of agents of each of its meta-seeds: the least and the most over tasks."""
    counts = {
        rule: [row.agents[rule] // comparison.clusters[rule] for row in comparison.rows] for rule in comparison.rules
    }
    return {rule: (min(agents), max(agents)) for rule, agents in counts.items()}


def aggregates(comparison: Comparison, seed: int = 0) -> dict[str, dict[str, Interval[float]]]:
    """Return statistic -> rule -> its value on the normalised scores, with a 95 % stratified bootstrap interval.

    One statistic is the probability of being better than a rival: that a run of the rule has a higher return than a run
    of the rival.

    Args:
      comparison: the rules.
      seed: seed of the bootstraps.
    """
    better = {rival: f"P(better than {rival})" for rival in comparison.rivals if rival in comparison.scores}
    values: dict[str, dict[str, Interval[float]]] = {name: {} for name in (*AGGREGATES, *better.values())}
    for rule, scores in comparison.scores.items():
        for name, statistic in AGGREGATES.items():
            values[name][rule] = stratified_bootstrap(
                statistic, scores, rng=np.random.default_rng(seed), clusters=[comparison.clusters[rule]]
            )
        for rival, name in better.items():
            if rule in (LOW, HIGH, rival):
                continue
            values[name][rule] = stratified_bootstrap(
                aggregate.probability_of_improvement,
                scores,
                comparison.scores[rival],
                rng=np.random.default_rng(seed),
                clusters=[comparison.clusters[rule], comparison.clusters[rival]],
            )
    return values


def _complete_tasks(
    cells: Sequence[Cell], rules: Sequence[str], say: Callable[[str], None]
) -> dict[str, dict[str, list[Cell]]]:
    """Return task -> rule -> cells of its meta-seeds, for the tasks of every rule and the meta-seeds of every task."""
    grouped = by_meta_seed(cells, say)
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    complete = [task for task in tasks if all(task in by_task for by_task in grouped.values())]
    if not complete:
        raise GrooveError("no task has results of every rule; run a meta-test of the missing rules.")
    if len(complete) < len(tasks):
        left_out = Counter(task.partition("/")[0] for task in tasks if task not in complete)
        say(f"Left out, since results of a rule are missing: {_list(left_out, 'task')}.")
    meta_seeds = {rule: common_meta_seeds(by_task, complete) for rule, by_task in grouped.items()}
    for rule, common in meta_seeds.items():
        most = max(len(grouped[rule][task]) for task in complete)
        if not common:
            raise GrooveError(
                f"no meta-seed of {rule} has results on all of {', '.join(complete)}: choose tasks by --suite, or run "
                "the meta-test of the missing ones."
            )
        if len(common) < most:
            say(f"{rule} counts with {len(common)} of its {most} meta-seeds, those with results on every task.")
    return {
        task: {rule: [grouped[rule][task][seed] for seed in meta_seeds[rule]] for rule in rules} for task in complete
    }


def _list(counts: Mapping[str, int], noun: str) -> str:
    return ", ".join(f"{name} ({count} {noun}{'s' * (count > 1)})" for name, count in counts.items())


def _pool(by_rule: _Cells) -> dict[str, Floats]:
    """Return rule -> returns f64[levels, runs, points] on the seeds that all its cells have; runs are cells x seeds."""
    cells = [cell for group in by_rule.values() for cell in group]
    if len({cell.returns.shape[0] for cell in cells}) > 1:
        raise GrooveError(f"results on {cells[0].task} are of different levels; run the meta-test of all rules again.")
    return {rule: _pool_cells(rule, group) for rule, group in by_rule.items()}


def _pool_cells(rule: str, cells: Sequence[Cell]) -> Floats:
    common = sorted(set.intersection(*(set(cell.seeds) for cell in cells)))
    if not common:
        raise GrooveError(
            f"the rules named {rule} have no seed in common on {cells[0].task}; run the meta-test of all of them again."
        )
    return np.concatenate([cell.returns[:, [cell.seeds.index(seed) for seed in common]] for cell in cells], axis=1)


def _row(task: str, by_rule: _Cells, pooled: Mapping[str, Floats], clusters: Mapping[str, int], seed: int) -> TaskRow:
    curves = {}
    for rule, returns in pooled.items():
        rng = np.random.default_rng(seed)
        interval = aggregate.task_intervals(returns.mean(0), rng=rng, clusters=clusters[rule])  # points as tasks
        curves[rule] = (by_rule[rule][0].env_steps, interval)
    last = {rule: Interval(*(float(x[-1]) for x in interval)) for rule, (_, interval) in curves.items()}
    first = next(iter(pooled.values()))
    steps = int(next(iter(by_rule.values()))[0].env_steps[-1])
    agents = {rule: returns.shape[1] for rule, returns in pooled.items()}
    return TaskRow(task, steps, first.shape[0], agents, last, curves)


def _normalise(
    pooled: Mapping[str, Mapping[str, Floats]],
) -> Iterator[tuple[str, tuple[dict[str, Floats], dict[str, Floats]]]]:
    """Yield (task, (rule -> f64[runs, 1] of the task, rule -> f64[runs, levels])) where the references differ."""
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
    """Return rule -> the columns of all tasks side by side, with equally many runs per meta-seed on every task."""
    if not parts:
        return {}
    stacked = {}
    for rule, count in clusters.items():
        grouped = [part[rule].reshape(count, -1, part[rule].shape[1]) for part in parts]
        runs = min(x.shape[1] for x in grouped)
        stacked[rule] = np.concatenate([x[:, :runs].reshape(count * runs, -1) for x in grouped], axis=1)
    return stacked
