"""The runs of a rule, resampled for ranks and performance profiles."""

import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from groove.evaluation.leaderboard.tasks import Column, RankedTask
from groove.evaluation.meta_seeds import common_meta_seeds
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Floats, Interval, tails

RESAMPLES = 2000
PROFILE_RESAMPLES = 300
THRESHOLDS = np.linspace(0.0, 1.2, 41)  # of performance profiles


class Runs:
    """The scores of a rule's agents, and the means of their resamples.

    A resample draws meta-seeds with replacement, the same ones for all tasks of a column, and for every task agents
    within each of them. Numbers of agents may differ between tasks and meta-seeds: every meta-seed counts the same. A
    column counts the meta-seeds that the rule has on all its tasks.
    """

    def __init__(
        self, rule: str, cells: Mapping[str, Mapping[str, Cell]], tasks: Mapping[str, RankedTask], seed: int
    ) -> None:
        """Score the agents.

        Args:
          rule: name of the rule, from which its random numbers are folded.
          cells: task -> {digest of a meta-seed: its cell}.
          tasks: the anchors.
          seed: seed of the bootstraps.
        """
        self._cells, self._seed = cells, (seed, zlib.crc32(rule.encode()))
        self._scores = {
            path: {name: _agent_scores(cell, tasks[path]) for name, cell in group.items()}
            for path, group in cells.items()
        }
        self._resampled: dict[tuple[str, ...], Floats] = {}

    def meta_seeds(self, column: Column) -> list[str]:
        """Return the digests of the meta-seeds that count in a column."""
        return common_meta_seeds(self._cells, column.weights)

    def varies(self, column: Column) -> bool:
        """Return whether every task of a column has several runs, which tell something about their variation."""
        names = self.meta_seeds(column)
        return all(sum(self._scores[path][name].size for name in names) > 1 for path in column.weights)

    def resamples(self, column: Column) -> Floats:
        """Return the score of a column in each resample, f[resamples]; columns see the same resamples of a task."""
        names = self.meta_seeds(column)
        total = np.zeros(RESAMPLES)
        for path, weight in column.weights.items():
            if (key := (path, *names)) not in self._resampled:
                means = self._means(path, names, RESAMPLES, lambda scores: scores[:, None])
                self._resampled[key] = means[:, 0].clip(0, 1)
            total += weight * self._resampled[key]
        return total

    def profile(self, column: Column) -> Interval[Floats]:
        """Return the share of agents above each threshold, with its bootstrap interval; every task counts the same."""
        names = self.meta_seeds(column)
        value, drawn = np.zeros(len(THRESHOLDS)), np.zeros((PROFILE_RESAMPLES, len(THRESHOLDS)))
        for path in column.weights:
            value += np.mean([_above(self._scores[path][name]).mean(axis=0) for name in names], axis=0)
            drawn += self._means(path, names, PROFILE_RESAMPLES, _above)
        low, high = np.quantile(drawn / len(column.weights), tails(0.95), axis=0)
        return Interval(value / len(column.weights), low, high)

    def _means(self, path: str, names: Sequence[str], resamples: int, measure: Callable[[Floats], Floats]) -> Floats:
        """Return the mean of a measure f[agents, values] over the drawn runs of one task, f[resamples, values]."""
        drawn_seeds = np.random.default_rng(self._seed).integers(len(names), size=(resamples, len(names)))
        rng = np.random.default_rng((*self._seed, zlib.crc32(path.encode())))
        total = 0.0
        for which, name in enumerate(names):
            values = measure(self._scores[path][name])
            agents = rng.integers(len(values), size=(*drawn_seeds.shape, len(values)))
            counted = (drawn_seeds == which)[..., None]  # [resamples, draws, 1]
            total = total + (values[agents].mean(axis=2) * counted).sum(axis=1)
        means: Floats = np.asarray(total) / len(names)
        return means


def _agent_scores(cell: Cell, task: RankedTask) -> Floats:
    """Return the unclipped scores of the agents of one meta-seed, f[agents]."""
    scores: Floats = (cell.final.mean(axis=0) - task.random) / (task.anchor.best - task.random)
    return scores


def _above(scores: Floats) -> Floats:
    """Return whether each score is above each threshold, as numbers f[agents, thresholds]."""
    return (scores[:, None] > THRESHOLDS).astype(np.float64)
