"""Scores of runs x tasks as a few robust numbers, after Agarwal et al. 2021.

The paper is "Deep Reinforcement Learning at the Edge of the Statistical Precipice". In its symbols, x_{m,n} is the
score on task m of M in run n of N (a seed). Every statistic acts on the last two axes of f[..., runs, tasks].
"""

import numpy as np
import numpy.typing as npt

from groove.utils.bootstrap import (
    Floats,
    Interval,
    check_finite,
    check_same_tasks,
    checked_scores,
    stratified_bootstrap,
)


def mean(scores: npt.ArrayLike) -> Floats:
    """Return the mean over tasks of each task's mean over runs.

    The mean is 1/M sum_m 1/N sum_n x_{m,n} (Agarwal et al. 2021, sec. 2).

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.

    Raises:
      ValueError: if scores are of lower rank, empty or not finite; every statistic here raises this error.
    """
    return checked_scores(scores).mean(axis=(-2, -1))


def median(scores: npt.ArrayLike) -> Floats:
    """Return the median over tasks of each task's mean over runs.

    The median is median_m 1/N sum_n x_{m,n} (Agarwal et al. 2021, sec. 2).

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.
    """
    return np.median(checked_scores(scores).mean(axis=-2), axis=-1)


def iqm(scores: npt.ArrayLike) -> Floats:
    """Return the interquartile mean: the mean of the middle half of the scores of all runs and tasks.

    With x_(1) <= ... <= x_(K), K = N M, and c = floor(K / 4), the interquartile mean is::

        1/(K - 2c) sum_{k=c+1}^{K-c} x_(k)

    (Agarwal et al. 2021, sec. 4.3). c is rounded down, so that fewer than four scores are all kept.

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.
    """
    x = checked_scores(scores)
    pooled = x.reshape(*x.shape[:-2], -1)
    count = pooled.shape[-1]
    cut = count // 4
    middle = np.partition(pooled, (cut, count - cut - 1), axis=-1)[..., cut : count - cut]  # faster than sorting
    return middle.mean(axis=-1)


def optimality_gap(scores: npt.ArrayLike, target: float = 1.0) -> Floats:
    """Return the mean amount by which runs fall short of a target; lower is better.

    The gap is target - 1/M sum_m 1/N sum_n min(x_{m,n}, target) (Agarwal et al. 2021, sec. 4.3, where the target is
    gamma). Scores above the target do not compensate for scores below.

    Args:
      scores: f[..., runs, tasks].
      target: the score that is good enough; 1 is the score of the reference in normalised scores.

    Returns:
      f[...], in the unit of the scores.
    """
    return target - np.minimum(checked_scores(scores), target).mean(axis=(-2, -1))


def performance_profile(scores: npt.ArrayLike, thresholds: npt.ArrayLike) -> Floats:
    """Return the share of runs x tasks with a score above tau, for each tau.

    The run-score distribution is F(tau) = 1/M sum_m 1/N sum_n 1[x_{m,n} > tau] (Agarwal et al. 2021, sec. 4.2).

    Args:
      scores: f[..., runs, tasks].
      thresholds: f[thresholds], tau in the unit of the scores, in any order.

    Returns:
      f[..., thresholds], shares in [0, 1].

    Raises:
      ValueError: also if thresholds are not a vector, or NaN.
    """
    x, tau = checked_scores(scores), np.asarray(thresholds, np.float64)
    if tau.ndim != 1 or np.isnan(tau).any():
        raise ValueError(f"expected a vector of thresholds without NaN, got {tau!r} of shape {tau.shape}.")
    # one threshold at a time, since a bootstrap passes thousands of matrices at once
    shares = [(x > t).mean(axis=(-2, -1)) for t in tau]
    return np.stack(shares, axis=-1) if shares else np.empty((*x.shape[:-2], 0))


def probability_of_improvement(x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """Return the probability that a run of X beats a run of Y on the same task, averaged over tasks.

    The probability is 1/M sum_m 1/(N K) sum_{n,k} S(x_{m,n}, y_{m,k}), where S = 1 if x > y, 1/2 if x = y, else 0
    (Agarwal et al. 2021, sec. 4.3). Each task contributes its Mann-Whitney U statistic as a share of its pairs.

    Args:
      x: f[..., runs of X, tasks].
      y: f[..., runs of Y, tasks], of the same tasks in the same order.

    Returns:
      f[...], a probability; 1/2 if neither is better.

    Raises:
      ValueError: also if X and Y have different numbers of tasks.
    """
    x_scores, y_scores = checked_scores(x), checked_scores(y)
    check_same_tasks(x_scores, y_scores)
    # one run of X at a time, to save memory; the mean of "beats" and "is not beaten" counts a tie as half
    runs = np.split(x_scores, x_scores.shape[-2], axis=-2)
    won = [((run > y_scores).mean((-2, -1)) + (run >= y_scores).mean((-2, -1))) / 2 for run in runs]
    return np.mean(won, axis=0)


def task_intervals(
    scores: npt.ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000, clusters: int = 1
) -> Interval[Floats]:
    """Return each task's mean over runs, 1/N sum_n x_{m,n}, with a percentile bootstrap interval over its runs.

    Args:
      scores: f[runs, tasks].
      rng: generator of the resamples.
      level: coverage of the interval. Intervals of single tasks are too narrow for few runs; see
        `groove.utils.bootstrap.stratified_bootstrap`.
      resamples: number of resamples.
      clusters: number of equally large clusters of runs, one after another.

    Returns:
      f[tasks] each; low and high are NaN for a single run.

    Raises:
      ValueError: for the reasons of `stratified_bootstrap`.
    """
    return stratified_bootstrap(
        lambda x: x.mean(axis=-2), scores, rng=rng, level=level, resamples=resamples, clusters=[clusters]
    )


def normalise(scores: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """Return scores on the scale of two references, (x_{m,n} - low_m) / (high_m - low_m).

    See Agarwal et al. 2021, sec. 2.

    Args:
      scores: f[..., runs, tasks].
      low: f[tasks], the scores that become 0, for example those of a random agent.
      high: f[tasks], the scores that become 1, for example those of a reference agent.

    Returns:
      f[..., runs, tasks], without unit.

    Raises:
      ValueError: if shapes do not match, anything is not finite, or low is not below high on every task.
    """
    x, (floor, ceiling) = checked_scores(scores), _references(low, high)
    if floor.shape != x.shape[-1:]:
        raise ValueError(f"expected low and high of each of {x.shape[-1]} tasks, got {floor.shape[0]}.")
    if not (floor < ceiling).all():
        where = np.flatnonzero(floor >= ceiling).tolist()
        raise ValueError(f"low is not below high on tasks {where}: leave them out (see `comparable`).")
    return (x - floor) / (ceiling - floor)


def comparable(low: npt.ArrayLike, high: npt.ArrayLike, margin: float) -> npt.NDArray[np.bool_]:
    """Return whether each task separates two references, high_m - low_m > margin, and can thus be normalised.

    Args:
      low: f[tasks], as in `normalise`.
      high: f[tasks], as in `normalise`.
      margin: not negative, in the unit of the scores; a division by differences near zero amplifies noise.

    Returns:
      bool[tasks].

    Raises:
      ValueError: if shapes do not match, references are not finite, or margin is negative or NaN.
    """
    floor, ceiling = _references(low, high)
    if not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin}: such tasks cannot be normalised.")
    return ceiling - floor > margin


def _references(low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[Floats, Floats]:
    floor, ceiling = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if floor.ndim != 1 or floor.shape != ceiling.shape:
        raise ValueError(f"expected low and high f[tasks], got shapes {floor.shape} and {ceiling.shape}.")
    check_finite(floor, "low")
    check_finite(ceiling, "high")
    return floor, ceiling
