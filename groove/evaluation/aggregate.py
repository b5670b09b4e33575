"""Scores of runs x tasks as a few numbers: aggregates that outliers cannot carry, with stratified bootstrap intervals.

After Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice", in whose symbols
x_{m,n} is the score on task m of M in run n of N (a seed). Every statistic acts on the last two axes of
f[..., runs, tasks].
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from groove.utils.bootstrap import Interval, tails

CHUNK = 2**18  # scores resampled at once: 2 MiB, which stays in the cache

Floats = npt.NDArray[np.float64]
Statistic = Callable[..., Any]  # of matrices f[..., runs, tasks] -> f[..., *shape]


def mean(scores: npt.ArrayLike) -> Floats:
    """The mean over tasks of each task's mean over runs: 1/M sum_m 1/N sum_n x_{m,n} (Agarwal et al. 2021, sec. 2).

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.

    Raises:
      ValueError: when scores are of lower rank, empty or not finite; so from every statistic here.
    """
    return _checked(scores).mean(axis=(-2, -1))


def median(scores: npt.ArrayLike) -> Floats:
    """The median over tasks of each task's mean over runs: median_m 1/N sum_n x_{m,n} (Agarwal et al. 2021, sec. 2).

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.
    """
    return np.median(_checked(scores).mean(axis=-2), axis=-1)


def iqm(scores: npt.ArrayLike) -> Floats:
    """The interquartile mean: of the scores of all runs and tasks pooled, the mean of the middle half.

    With x_(1) <= ... <= x_(K), K = N M, and c = floor(K / 4): 1/(K - 2c) sum_{k=c+1}^{K-c} x_(k) (Agarwal et al. 2021,
    sec. 4.3). The number cut from each end is rounded down, so that fewer than four scores are all kept.

    Args:
      scores: f[..., runs, tasks].

    Returns:
      f[...], in the unit of the scores.
    """
    x = _checked(scores)
    pooled = x.reshape(*x.shape[:-2], -1)
    count = pooled.shape[-1]
    cut = count // 4
    middle = np.partition(pooled, (cut, count - cut - 1), axis=-1)[..., cut : count - cut]  # what sorting does, sooner
    return middle.mean(axis=-1)


def optimality_gap(scores: npt.ArrayLike, target: float = 1.0) -> Floats:
    """By how much runs fall short of a target, on average; what lies beyond it makes up for nothing. Lower is better.

    target - 1/M sum_m 1/N sum_n min(x_{m,n}, target) (Agarwal et al. 2021, sec. 4.3, where the target is gamma).

    Args:
      scores: f[..., runs, tasks].
      target: the score that is good enough; 1 is the reference's in normalised scores.

    Returns:
      f[...], in the unit of the scores.
    """
    return target - np.minimum(_checked(scores), target).mean(axis=(-2, -1))


def performance_profile(scores: npt.ArrayLike, thresholds: npt.ArrayLike) -> Floats:
    """The share of runs x tasks that score more than tau, for each tau.

    F(tau) = 1/M sum_m 1/N sum_n 1[x_{m,n} > tau], the run-score distribution (Agarwal et al. 2021, sec. 4.2).

    Args:
      scores: f[..., runs, tasks].
      thresholds: f[thresholds], tau in the unit of the scores, in any order.

    Returns:
      f[..., thresholds], shares in [0, 1].

    Raises:
      ValueError: also when thresholds are not a vector, or NaN.
    """
    x, tau = _checked(scores), np.asarray(thresholds, np.float64)
    if tau.ndim != 1 or np.isnan(tau).any():
        raise ValueError(f"expected a vector of thresholds without NaN, got {tau!r} of shape {tau.shape}.")
    # one threshold at a time: a bootstrap hands over thousands of matrices at once
    shares = [(x > t).mean(axis=(-2, -1)) for t in tau]
    return np.stack(shares, axis=-1) if shares else np.empty((*x.shape[:-2], 0))


def probability_of_improvement(x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """How probably a run of X beats a run of Y on the same task, averaged over tasks; a tie is half a win.

    1/M sum_m 1/(N K) sum_{n,k} S(x_{m,n}, y_{m,k}), S = 1 if x > y, 1/2 if x = y, else 0 (Agarwal et al. 2021,
    sec. 4.3): the Mann-Whitney U statistic of each task as a share of its pairs.

    Args:
      x: f[..., runs of X, tasks].
      y: f[..., runs of Y, tasks], the same tasks in the same order.

    Returns:
      f[...], a probability; 1/2 where neither is better.

    Raises:
      ValueError: also when X and Y have different numbers of tasks.
    """
    of_x, of_y = _checked(x), _checked(y)
    _assert_same_tasks(of_x, of_y)
    # one run of X at a time, for memory; the mean of "beats" and "is not beaten" counts a tie as half
    won = [((one > of_y).mean((-2, -1)) + (one >= of_y).mean((-2, -1))) / 2 for one in _runs_of(of_x)]
    return np.mean(won, axis=0)


def stratified_bootstrap(
    statistic: Statistic,
    *scores: npt.ArrayLike,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
    clusters: Sequence[int] | None = None,
) -> Interval[Any]:
    """A statistic of score matrices with a percentile interval from a bootstrap stratified by task.

    A resample draws as many runs as there are, with replacement, for every task and every matrix independently; tasks
    are never exchanged (Agarwal et al. 2021, sec. 4.1). The interval is about other seeds on these tasks, not about
    other tasks. For few runs it is too narrow, since resamples have (N - 1) / N of the variance that seeds have: at 5
    runs, of 95 % intervals of a normal mean, 83 % cover it on a single task and 91 % when averaged over 50 tasks.

    Args:
      statistic: pure; takes the matrices with any leading axes, f[..., runs, tasks] -> f[..., *shape].
      *scores: f[runs, tasks] each; runs may differ, tasks are the same.
      rng: the generator of the resamples.
      level: coverage of the interval.
      resamples: of the bootstrap.
      clusters: for each matrix, how many equally large clusters its runs come in, one after another: the meta-seeds of
        a learned rule, whose agents are alike. A resample then draws clusters with replacement, the same ones for every
        task, and runs within each of them, so that how meta-seeds vary is in the interval. One by default.

    Returns:
      Floats for a statistic that is a number, f[*shape] each for any other. low and high are NaN when any matrix has a
      single run: nothing is known then of how seeds vary, and no width, zero least of all, would say so.

    Raises:
      ValueError: when scores are not finite matrices of the same number of tasks, there are none, level or resamples
        are out of range, or the statistic does not keep leading axes.
    """
    matrices = [_checked(x) for x in scores]
    if not matrices or any(x.ndim != 2 for x in matrices):
        raise ValueError(f"expected score matrices f[runs, tasks], got shapes {[x.shape for x in matrices]}.")
    _assert_same_tasks(*matrices)
    ends = tails(level)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}: 2000 are usual.")
    value = np.asarray(statistic(*matrices), np.float64)
    groups = [1] * len(matrices) if clusters is None else list(clusters)
    if len(groups) != len(matrices) or any(g < 1 or len(x) % g for g, x in zip(groups, matrices)):
        raise ValueError(f"clusters {groups} do not divide the runs of the matrices, {[len(x) for x in matrices]}.")
    if any(len(x) == 1 for x in matrices):
        low, high = np.full((2, *value.shape), np.nan)
    else:
        low, high = np.quantile(_resampled(statistic, matrices, groups, rng, resamples, value.shape), ends, axis=0)
    return Interval(value, low, high) if value.ndim else Interval(float(value), float(low), float(high))


def task_intervals(
    scores: npt.ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000, clusters: int = 1
) -> Interval[Floats]:
    """Each task's mean over runs, 1/N sum_n x_{m,n}, with a percentile bootstrap interval over its runs.

    Args:
      scores: f[runs, tasks].
      rng, level, resamples, clusters: as of `stratified_bootstrap`, whose warnings hold here above all.

    Returns:
      f[tasks] each; low and high NaN for a single run.

    Raises:
      ValueError: as `stratified_bootstrap`.
    """
    return stratified_bootstrap(
        lambda x: x.mean(axis=-2), scores, rng=rng, level=level, resamples=resamples, clusters=[clusters]
    )


def normalise(scores: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """Scores on the scale of two references: (x_{m,n} - low_m) / (high_m - low_m) (Agarwal et al. 2021, sec. 2).

    Args:
      scores: f[..., runs, tasks].
      low, high: f[tasks], the scores that become 0 and 1, a random agent's and a reference agent's say.

    Returns:
      f[..., runs, tasks], without unit.

    Raises:
      ValueError: when shapes do not match, anything is not finite, or low is not below high on every task.
    """
    x, (floor, ceiling) = _checked(scores), _references(low, high)
    if floor.shape != x.shape[-1:]:
        raise ValueError(f"expected low and high of each of {x.shape[-1]} tasks, got {floor.shape[0]}.")
    if not (floor < ceiling).all():
        where = np.flatnonzero(floor >= ceiling).tolist()
        raise ValueError(f"low is not below high on tasks {where}: leave them out (see `comparable`).")
    return (x - floor) / (ceiling - floor)


def comparable(low: npt.ArrayLike, high: npt.ArrayLike, margin: float) -> npt.NDArray[np.bool_]:
    """Which tasks tell two references apart, high_m - low_m > margin, and so can be normalised.

    Args:
      low, high: f[tasks], as of `normalise`.
      margin: not negative, in the unit of the scores; differences near zero blow noise up.

    Returns:
      bool[tasks].

    Raises:
      ValueError: when shapes do not match, references are not finite or margin is negative or NaN.
    """
    floor, ceiling = _references(low, high)
    if not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin}: such tasks cannot be normalised.")
    return ceiling - floor > margin


def _checked(scores: npt.ArrayLike) -> Floats:
    x = np.asarray(scores, np.float64)
    if x.ndim < 2 or not x.size:
        raise ValueError(
            f"expected scores f[..., runs, tasks], got shape {x.shape}: one run of them is scores[None, :]."
        )
    _assert_finite(x, "scores")
    return x


def _references(low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[Floats, Floats]:
    floor, ceiling = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if floor.ndim != 1 or floor.shape != ceiling.shape:
        raise ValueError(f"expected low and high f[tasks], got shapes {floor.shape} and {ceiling.shape}.")
    _assert_finite(floor, "low")
    _assert_finite(ceiling, "high")
    return floor, ceiling


def _assert_finite(x: Floats, name: str) -> None:
    finite = np.isfinite(x)
    if not finite.all():
        where = np.unique(np.nonzero(~finite)[-1]).tolist()
        raise ValueError(
            f"{name}: NaN or infinite on tasks {where}. Leave those tasks out, for every rule alike, or give a failed "
            "run the score that failing is worth."
        )


def _assert_same_tasks(*matrices: Floats) -> None:
    counts = [x.shape[-1] for x in matrices]
    if len(set(counts)) > 1:
        raise ValueError(f"expected the same tasks in every matrix, got {counts} tasks: keep those that all have.")


def _runs_of(x: Floats) -> list[Floats]:
    return np.split(x, x.shape[-2], axis=-2)


def _resampled(
    statistic: Statistic,
    matrices: list[Floats],
    clusters: Sequence[int],
    rng: np.random.Generator,
    resamples: int,
    shape: tuple[int, ...],
) -> Floats:
    """The statistic of every resample: f[resamples, *shape]."""
    # the order in which runs were read decides nothing
    ordered = [np.sort(x.reshape(g, -1, x.shape[1]), axis=1) for x, g in zip(matrices, clusters)]
    chunk = max(1, CHUNK // sum(x.size for x in ordered))
    parts = []
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = [_draw(x, count, rng) for x in ordered]
        parts.append(np.asarray(statistic(*drawn), np.float64))
        if parts[-1].shape != (count, *shape):
            raise ValueError(
                f"the statistic must keep leading axes, f[..., runs, tasks] -> f[...]: it is of shape {shape} for a "
                f"matrix, but {parts[-1].shape} for {count} of them. Reduce axes -2 and -1, not 0 and 1."
            )
    return np.concatenate(parts)


def _draw(x: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Resamples of f[clusters, runs of one, tasks]: f[count, clusters * runs of one, tasks]."""
    which = rng.integers(len(x), size=(count, len(x), 1, 1)) if len(x) > 1 else 0
    drawn = x[which, rng.integers(x.shape[1], size=(count, *x.shape)), np.arange(x.shape[2])]
    return drawn.reshape(count, -1, x.shape[2])
