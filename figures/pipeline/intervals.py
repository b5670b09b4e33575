"""Student's intervals over a few runs: of a mean, and of the difference of two means."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from groove.utils.bootstrap import Interval

_LEVEL = 0.95


def of_mean(values: Sequence[float]) -> Interval[float]:
    """Return the mean of independent values with Student's 95 % interval; the ends are NaN for one value."""
    if len(values) < 2:
        return Interval(float(values[0]), float("nan"), float("nan"))
    ends = stats.ttest_1samp(values, 0.0).confidence_interval(_LEVEL)
    return Interval(float(np.mean(values)), float(ends.low), float(ends.high))


def of_difference(a: Sequence[float], b: Sequence[float]) -> Interval[float]:
    """Return mean(a) - mean(b) with Welch's 95 % interval; the ends are NaN if there is one value of either."""
    value = float(np.mean(a) - np.mean(b))
    if min(len(a), len(b)) < 2:
        return Interval(value, float("nan"), float("nan"))
    ends = stats.ttest_ind(a, b, equal_var=False).confidence_interval(_LEVEL)
    return Interval(value, float(ends.low), float(ends.high))


def shown(interval: Interval[float], digits: int = 2) -> str:
    """Return an interval as text, as in "0.79 [0.77, 0.81]"; the value alone if the ends are NaN."""
    value, low, high = (f"{each:.{digits}f}" for each in interval)
    return f"{value} [{low}, {high}]" if np.isfinite(interval.low) else value
