"""The runs of a rule, resampled for ranks and performance profiles."""

import functools
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from groove.evaluation.comparisons.aggregate import performance_profile
from groove.evaluation.leaderboard.tasks import Column, RankedTask
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Floats, Interval, bootstrap_values, stratified_bootstrap

RESAMPLES = 2000
PROFILE_RESAMPLES = 300
THRESHOLDS = np.linspace(0.0, 1.2, 41)  # of performance profiles


class Runs:
    """The scores of a rule's agents, and the means of their resamples."""

    def __init__(
        self, rule: str, cells: Mapping[str, Sequence[Cell]], tasks: Mapping[str, RankedTask], seed: int
    ) -> None:
        """Use as many meta-seeds and agents as the rule has on every task.

        Args:
          rule: name of the rule, from which its random numbers are folded.
          cells: task -> cells of the meta-seeds.
          tasks: the anchors.
          seed: seed of the bootstraps.
        """
        self._seed = (seed, zlib.crc32(rule.encode()))
        self._places = {path: i for i, path in enumerate(cells)}
        self._clusters = min(map(len, cells.values()))
        agents = min(len(cell.seeds) for group in cells.values() for cell in group)
        scores = [_agent_scores(cells[path], tasks[path], self._clusters, agents) for path in cells]
        self._scores = np.stack(scores, axis=1)

    @property
    def single(self) -> bool:
        """Whether there is one run only, which tells nothing about the variation between runs."""
        return len(self._scores) == 1

    def resamples(self, column: Column) -> Floats:
        """Return the score of a column in each resample, f[resamples]; all columns see the same resamples."""
        which = [self._places[path] for path in column.weights]
        values: Floats = self._task_scores[:, which] @ list(column.weights.values())
        return values

    @functools.cached_property
    def _task_scores(self) -> Floats:
        """The clipped score of each task in each resample, f[resamples, tasks]."""
        rng = np.random.default_rng(self._seed)
        return bootstrap_values(
            lambda x: x.mean(axis=-2).clip(0, 1), self._scores, rng=rng, resamples=RESAMPLES, clusters=[self._clusters]
        )

    def profile(self, column: Column) -> Interval[Floats]:
        """Return the share of agents x tasks above each threshold, with its bootstrap interval."""
        which = [self._places[path] for path in column.weights]
        return stratified_bootstrap(
            lambda x: performance_profile(x, THRESHOLDS),
            self._scores[:, which],
            rng=np.random.default_rng(self._seed),
            resamples=PROFILE_RESAMPLES,
            clusters=[self._clusters],
        )


def _agent_scores(cells: Sequence[Cell], task: RankedTask, clusters: int, agents: int) -> Floats:
    """Return the unclipped scores of agents, one meta-seed after another, f[clusters * agents]."""
    returns = np.concatenate([cell.final.mean(axis=0)[:agents] for cell in cells[:clusters]])
    scores: Floats = (returns - task.random) / (task.anchor.best - task.random)
    return scores
