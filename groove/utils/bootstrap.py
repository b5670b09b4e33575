"""Bootstrap intervals of ratios, from an explicit random generator."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class Interval(NamedTuple, Generic[T]):
    """An estimate with its interval: numbers, or arrays of one shape for many estimates."""

    value: T
    low: T
    high: T


def tails(level: float) -> tuple[float, float]:
    """Return the two quantiles of a central interval that holds the share `level` of a distribution.

    Raises:
      ValueError: if `level` lies outside [0, 1].
    """
    if not 0 <= level <= 1:
        raise ValueError(f"level must be a share between 0 and 1, got {level}: 0.95 is a 95 % interval.")
    return (1 - level) / 2, (1 + level) / 2


def ratio_of_means(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval[float]:
    """Return mean(numerator) / mean(denominator) with a paired percentile bootstrap interval.

    Tasks are resampled with both values, so that the difficulty that a task has for both cancels.

    Args:
      numerator, denominator: f[tasks], paired.
      rng: the random generator of the resamples.
      level: coverage of the interval, a share.
      resamples: number of bootstrap resamples.

    Raises:
      ValueError: if the values are not paired, or there are none.
    """
    a, b = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"expected two equally long vectors of tasks, got shapes {a.shape} and {b.shape}.")
    index = rng.integers(a.size, size=(resamples, a.size))
    below = b[index].mean(1)
    ratios = a[index].mean(1)[below != 0] / below[below != 0]  # a resample of few tasks can have a mean of zero
    if not ratios.size:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(ratios, tails(level))
    return Interval(float(a.mean() / b.mean()), float(low), float(high))


def ratio_over_runs(
    runs: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval[float]:
    """Return the mean over runs of mean(numerator) / mean(denominator), with a hierarchical bootstrap interval.

    Runs are resampled, and the tasks within each run. The percentile interval thus contains the variation between
    seeds, as far as the given runs show it.

    Args:
      runs: (numerator, denominator) of each run, f[tasks], paired.
      rng: the random generator of the resamples.
      level: coverage of the interval, a share.
      resamples: number of bootstrap resamples.

    Raises:
      ValueError: if there are no runs, or values are not paired.
    """
    pairs = [(np.asarray(a, np.float64), np.asarray(b, np.float64)) for a, b in runs]
    if not pairs or any(a.shape != b.shape or a.ndim != 1 or not a.size for a, b in pairs):
        raise ValueError("expected at least one run of two equally long vectors of tasks.")
    ratios = np.empty((resamples, len(pairs)))
    for i, (a, b) in enumerate(pairs):
        index = rng.integers(a.size, size=(resamples, a.size))
        ratios[:, i] = a[index].mean(1) / b[index].mean(1)
    which = rng.integers(len(pairs), size=(resamples, len(pairs)))
    means = np.take_along_axis(ratios, which, axis=1).mean(1)
    low, high = np.nanquantile(means, tails(level))
    return Interval(float(np.mean([a.mean() / b.mean() for a, b in pairs])), float(low), float(high))
