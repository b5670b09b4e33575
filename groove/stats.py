"""Statistics of results: estimates with bootstrap intervals, under an explicit generator."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Interval(NamedTuple):
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float


def ratio_of_means(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """mean(numerator) / mean(denominator) with a paired percentile bootstrap interval.

    Tasks are resampled, each with both its values, so that what is hard for both cancels.

    Args:
      numerator, denominator: f[tasks], paired.
      rng: the generator of the resamples.
      level: coverage of the interval.
      resamples: of the bootstrap.

    Raises:
      ValueError: when the values are not paired, or there are none.
    """
    a, b = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"expected two equally long vectors of tasks, got shapes {a.shape} and {b.shape}.")
    index = rng.integers(a.size, size=(resamples, a.size))
    below = b[index].mean(1)
    ratios = a[index].mean(1)[below != 0] / below[below != 0]  # a handful of tasks can resample to nothing
    if not ratios.size:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(a.mean() / b.mean()), float(low), float(high))
