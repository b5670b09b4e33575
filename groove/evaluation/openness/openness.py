"""Novelty and learnability of the levels that a curriculum chose (Hughes et al. 2024, arXiv 2406.04268, sec. 2.1).

An observer that has seen a system until time t predicts what the system makes at a later time T, with loss l(t, T). The
system is open-ended if what it makes is novel and learnable::

    novelty        for all t, T > t there is T' > T:   E[l(t, T')] > E[l(t, T)]
    learnability   for all T, t < t' < T:              E[l(t', T)] < E[l(t, T)]

Here the system is a curriculum, and it makes levels. The observer predicts the outcome of a level from its features. A
run is finite, so that "for all" becomes a trend: how fast the loss grows with T at a fixed t, and falls with t at a
fixed T.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groove.evaluation.openness.observer import Floats, fit, predict, with_indicators
from groove.utils.bootstrap import Interval, tails
from groove.utils.errors import GrooveError

WINDOWS = 10  # of time, with equally many levels each as far as meta-steps allow
LEAST_WINDOWS, LEAST_LEVELS = 4, 100
RESAMPLES, SHUFFLES = 1000, 100


class TooFewLevelsError(GrooveError):
    """A record that is too short to tell."""


@dataclass(frozen=True)
class Openness:
    """Novelty and learnability of one kind of outcome in one run.

    Attributes:
      levels: number of levels.
      ends: the last meta-step of each window, i[B].
      error: mean squared error on window T of the observer that has seen the windows up to t, f[B-1, B], in variances
        of the outcome over the record; NaN where T is not later than t.
      novelty: growth of the error with T at fixed t, in variances of the outcome per length of the record.
      learnability: fall of the error with t at fixed T, in the same unit, beyond that for shuffled outcomes.
    """

    levels: int
    ends: npt.NDArray[np.int64]
    error: Floats
    novelty: Interval[float]
    learnability: Interval[float]

    @property
    def is_novel(self) -> bool:
        """Whether the interval of the novelty lies above zero."""
        return self.novelty.low > 0

    @property
    def is_learnable(self) -> bool:
        """Whether the interval of the learnability lies above zero."""
        return self.learnability.low > 0

    @property
    def verdict(self) -> str:
        """The verdict in words; "not" means that the interval does not lie above zero."""
        if self.is_novel and self.is_learnable:
            return "open-ended: novel and learnable"
        if self.is_novel or self.is_learnable:
            return "novel, not learnable" if self.is_novel else "learnable, not novel"
        return "neither novel nor learnable"


def measure_openness(
    step: npt.ArrayLike, features: npt.ArrayLike, outcome: npt.ArrayLike, seed: int = 0, level: float = 0.95
) -> Openness:
    """Measure the novelty and the learnability of a sequence of levels.

    With l(t, T) the mean squared error on window T of the observer that has seen the windows up to t, and a bar for the
    mean over T > t or over t < T::

        novelty       =  sum_t,T (T - T_bar_t) l(t, T) / sum_t,T (T - T_bar_t)^2
        learnability  = -sum_t,T (t - t_bar_T) l(t, T) / sum_t,T (t - t_bar_T)^2  -  the same for shuffled outcomes

    These are the slopes of least squares with an intercept for every t, or for every T. Outcomes are shuffled within
    windows: what the features say is lost, whereas the mean, which a longer history estimates better, stays. The
    interval of the novelty comes from a bootstrap of the levels of each window. That of the learnability consists of
    the differences between these resamples and the shuffles. Both are about other levels of the same run, not about
    other runs, and observers are fitted once.

    Args:
      step: meta-step in which the lifetime on each level ended, i[n].
      features: of the levels, f[n, F]; NaN where a feature is undefined.
      outcome: what is predicted, f[n], finite.
      seed: of the bootstrap and the shuffles.
      level: coverage of the intervals.

    Raises:
      TooFewLevelsError: if there are too few levels or points of time, or the outcome never varies.
    """
    x, y, rng = with_indicators(features), np.asarray(outcome, np.float64), np.random.default_rng(seed)
    window, ends = windows(np.asarray(step))
    if len(y) < LEAST_LEVELS or len(ends) < LEAST_WINDOWS or not y.std() > 0:
        raise TooFewLevelsError(
            f"openness needs {LEAST_LEVELS} levels or more, of {LEAST_WINDOWS} points of time or more and with varying "
            f"outcomes; there are {len(y)} levels of {len(ends)} points: train for longer."
        )
    shuffled = np.stack([y[shuffle_within(window, rng)] for _ in range(SHUFFLES)], axis=1)
    errors, by_window = squared_errors(x, np.column_stack([y, shuffled]) / y.std(), window)
    resampled = _resample(errors, window, rng)
    novelty, learnability = slopes(by_window[0])
    novelties, learnabilities = slopes(resampled)
    by_chance = slopes(by_window[1:])[1]
    ends_of_interval = tails(level)
    return Openness(
        levels=len(y),
        ends=ends,
        error=by_window[0],
        novelty=_interval(novelty, novelties, ends_of_interval),
        learnability=_interval(learnability - by_chance.mean(), learnabilities[:, None] - by_chance, ends_of_interval),
    )


def windows(step: npt.NDArray[np.integer], count: int = WINDOWS) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Divide levels into windows of time, equally large as far as the levels of one meta-step stay together.

    Args:
      step: meta-step of each level, i[n].
      count: windows, at most.

    Returns:
      The window of each level, i[n], and the last meta-step of each window, i[B].
    """
    if not len(step):
        return np.zeros(0, np.intp), np.zeros(0, np.int64)
    cuts = np.unique(np.quantile(step, np.arange(1, count + 1) / count, method="inverted_cdf")).astype(np.int64)
    return np.searchsorted(cuts, step), cuts


def slopes(error: Floats) -> tuple[Floats, Floats]:
    """Return the growth of the error with T at fixed t, and its fall with t at fixed T, f[...] each.

    Args:
      error: f[..., B-1, B], of the observer after window t on window T; entries with T <= t are ignored.
    """
    count = error.shape[-1]
    later = np.arange(count) > np.arange(count - 1)[:, None]
    time = np.broadcast_to((np.arange(count) + 1) / count, later.shape)  # T, as a share of the record
    horizon = np.broadcast_to((np.arange(count - 1)[:, None] + 1) / count, later.shape)
    known = np.where(later, error, 0.0)
    return _pooled(time, later, known, axis=1), -_pooled(horizon, later, known, axis=0)


def _pooled(time: Floats, counts: npt.NDArray[np.bool_], error: Floats, axis: int) -> Floats:
    """Return the slope of the errors over time, with an intercept for every line along the axis."""
    number = np.maximum(counts.sum(axis, keepdims=True), 1)
    centred = np.where(counts, time - np.where(counts, time, 0.0).sum(axis, keepdims=True) / number, 0.0)
    return np.asarray((centred * error).sum((-2, -1)) / (centred**2).sum())


def squared_errors(features: Floats, outcomes: Floats, window: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return squared errors of every observer.

    Args:
      features: f[n, p].
      outcomes: f[n, m]; each column has observers of its own.
      window: i[n].

    Returns:
      The errors on every level for the first column, f[B-1, n], and their means over windows for all columns,
      f[m, B-1, B]; NaN in windows that the observer has seen.
    """
    count = window.max() + 1
    first = np.full((count - 1, len(window)), np.nan)
    means = np.full((outcomes.shape[1], count - 1, count), np.nan)
    for t in range(count - 1):
        seen = window <= t
        observer = fit(features[seen], outcomes[seen])
        squared = (predict(observer, features[~seen]) - outcomes[~seen]) ** 2
        first[t, ~seen] = squared[:, 0]
        for later in range(t + 1, count):
            means[:, t, later] = squared[window[~seen] == later].mean(0)
    return first, means


def _resample(errors: Floats, window: npt.NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Return mean errors over windows whose levels are drawn with replacement, f[resamples, B-1, B].

    All observers are judged on the same resamples.
    """
    count = window.max() + 1
    resampled = np.full((RESAMPLES, count - 1, count), np.nan)
    for later in range(1, count):
        own = errors[:later, window == later]  # [t, levels]
        size = own.shape[1]
        drawn = rng.multinomial(size, np.full(size, 1 / size), RESAMPLES) / size
        resampled[:, :later, later] = drawn @ own.T
    return resampled


def shuffle_within(window: npt.NDArray[np.intp], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return a permutation of the levels that keeps each in its window."""
    by_window = np.argsort(window, kind="stable")
    permuted = np.empty_like(by_window)
    permuted[by_window] = np.lexsort([rng.random(len(window)), window])
    return permuted


def _interval(value: Floats, resampled: Floats, ends: tuple[float, float]) -> Interval[float]:
    low, high = np.quantile(resampled, ends)
    return Interval(float(value), float(low), float(high))
