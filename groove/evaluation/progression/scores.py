"""Progression scores with standard errors, after BALROG (Paglieri et al. 2024).

The score of a task is (return - random) / (best - random). Its standard error is over meta-seeds, or over agents if a
rule has a single meta-seed. Standard errors of means over tasks are propagated: tasks count as independent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from groove.utils.bootstrap import Floats, Interval, tails


@dataclass(frozen=True)
class Score:
    """A score, or a mean of scores, and how sure it is.

    Attributes:
      value: in [0, 1]; each task's score is clipped to [0, 1] after averaging over agents and meta-seeds.
      unclipped: the same without clipping.
      standard_error: of `unclipped`; NaN for a single run.
      freedom: degrees of freedom of the standard error.
      meta_seeds: number of meta-seeds, the least of all tasks.
      agents: number of agents of a meta-seed on a level, the least of all tasks.
      tasks: number of tasks.
    """

    value: float
    unclipped: float
    standard_error: float
    freedom: float
    meta_seeds: int
    agents: int
    tasks: int = 1

    @property
    def clipped(self) -> bool:
        """Whether clipping changed the score."""
        return self.value != self.unclipped

    def interval(self, level: float = 0.95) -> Interval[float]:
        """Return the score with the interval value -+ t SE, where t is the quantile of Student's distribution.

        The ends may leave [0, 1]. They are NaN if there is no standard error.

        Args:
          level: coverage of the interval.
        """
        half = student_quantile(tails(level)[1], self.freedom) * self.standard_error
        return Interval(self.value, self.value - half, self.value + half)


def mean_and_error(groups: Sequence[npt.ArrayLike]) -> tuple[Floats, Floats, int]:
    """Return the mean over meta-seeds, its standard error, and the number of independent runs that it is over.

    With M > 1 meta-seeds, x_m is the mean of meta-seed m over its agents, and the standard error is::

        SE = sqrt(1/(M (M - 1)) sum_m (x_m - mean)^2)

    With a single meta-seed, as for hand-written rules, the same is taken over its agents.

    Args:
      groups: f[agents, ...] of each meta-seed, all with the same trailing axes.

    Returns:
      f[...], f[...] (NaN for a single run), and the number of runs.
    """
    arrays = [np.asarray(group, np.float64) for group in groups]
    runs = np.stack([x.mean(axis=0) for x in arrays]) if len(arrays) > 1 else arrays[0]
    count = len(runs)
    error = runs.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(runs.shape[1:], np.nan)
    return runs.mean(axis=0), error, count


def task_score(groups: Sequence[npt.ArrayLike], random: float, best: float) -> Score:
    """Return the score of a rule on a task, (return - random) / (best - random).

    The anchors count as exact: their own errors are the same for all rules.

    Args:
      groups: f[agents] of each meta-seed, in the unit of returns; the levels of a task are averaged before.
      random: return of random play.
      best: the return that scores 1.

    Raises:
      ValueError: if best is not above random.
    """
    if not best > random:
        raise ValueError(f"best = {best} is not above random = {random}: leave the task out.")
    mean, error, count = mean_and_error(groups)
    unclipped = float((mean - random) / (best - random))
    return Score(
        value=min(max(unclipped, 0.0), 1.0),
        unclipped=unclipped,
        standard_error=float(error) / (best - random),
        freedom=float(count - 1),
        meta_seeds=len(groups),
        agents=min(np.size(group) for group in groups),
    )


def combine(scores: Sequence[Score], weights: Sequence[float]) -> Score:
    """Return the weighted mean of the scores of several tasks, with its propagated standard error.

    The error and its degrees of freedom (Welch and Satterthwaite) are::

        SE = sqrt(sum_t w_t^2 SE_t^2)
        nu = (sum_t w_t^2 SE_t^2)^2 / sum_t (w_t^2 SE_t^2)^2 / nu_t

    Args:
      scores: at least one.
      weights: w_t, which sum to 1.
    """
    w = np.asarray(weights, np.float64)
    parts = (w * [score.standard_error for score in scores]) ** 2
    freedoms = np.array([score.freedom for score in scores])
    total = float(parts.sum())
    spread = float((parts**2 / np.maximum(freedoms, 1e-12)).sum())  # a single run has no freedom and no error
    return Score(
        value=float(w @ [score.value for score in scores]),
        unclipped=float(w @ [score.unclipped for score in scores]),
        standard_error=math.sqrt(total),
        freedom=total**2 / spread if spread > 0 else float(freedoms.min()),
        meta_seeds=min(score.meta_seeds for score in scores),
        agents=min(score.agents for score in scores),
        tasks=sum(score.tasks for score in scores),
    )


def student_quantile(share: float, freedom: float) -> float:
    """Return the quantile of Student's distribution; NaN without a degree of freedom.

    Args:
      share: of the distribution below the quantile.
      freedom: degrees of freedom, at least 1.
    """
    return float(stdtrit(freedom, share)) if freedom >= 1 else math.nan
