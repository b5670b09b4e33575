"""The observer of a curriculum: ridge regression of outcomes on the features of levels, in closed form."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# penalties per level; under the last one, the observer predicts the mean outcome whatever the features
PENALTIES: Floats = np.append(np.logspace(-3, 2, 6), np.inf)
_ROUNDING = 1e-9  # share of its mean by which a constant feature may seem to vary


class Observer(NamedTuple):
    """A fitted observer of m kinds of outcomes.

    Attributes:
      centre: mean of each feature over the levels that were observed, f[p].
      scale: standard deviation of each feature, f[p]; inf where the feature never varied, so that it says nothing.
      weights: of the standardised features, f[p, m].
      mean: mean outcomes, f[m].
      low: smallest outcomes, f[m].
      high: largest outcomes, f[m].
    """

    centre: Floats
    scale: Floats
    weights: Floats
    mean: Floats
    low: Floats
    high: Floats


def with_indicators(features: npt.ArrayLike) -> Floats:
    """Return features f[n, F], followed by an indicator of every feature that is undefined for some level.

    A feature that is not finite is undefined, and NaN in what is returned.
    """
    x = np.asarray(features, np.float64)
    undefined = ~np.isfinite(x)
    return np.concatenate([np.where(undefined, np.nan, x), undefined[:, undefined.any(0)]], axis=1)


def fit(features: Floats, outcomes: Floats) -> Observer:
    """Fit an observer to the levels that it has seen.

    With Z the standardised features and y the centred outcomes, the weights minimise

        sum_i (y_i - z_i w)^2 + n lambda w^2

    and lambda is the one of `PENALTIES` with the least leave-one-out error, for each kind of outcome separately. With
    the singular values s and the left singular vectors u of Z, the error of level i left out is its residual divided by
    1 - h_i, h_i = 1/n + sum_j u_ij^2 s_j^2 / (s_j^2 + n lambda) (Allen 1974).

    Args:
      features: f[n, p]; a NaN is taken for the mean of the feature.
      outcomes: f[n, m], finite.

    Raises:
      ValueError: if there are fewer than two levels.
    """
    count = len(features)
    if count < 2:
        raise ValueError(f"an observer needs two levels or more, got {count}.")
    centre, scale = _moments(features)
    mean = outcomes.mean(0)
    left, singular, right = np.linalg.svd(_standardised(features, centre, scale), full_matrices=False)
    shrinkage = singular**2 / (singular**2 + count * PENALTIES[:, None])  # [penalties, j]
    coordinates = left.T @ (outcomes - mean)  # [j, m]
    best, least = np.zeros(outcomes.shape[1], int), np.full(outcomes.shape[1], np.inf)
    for number, shrunk in enumerate(shrinkage):
        kept_back = 1.0 - 1.0 / count - left**2 @ shrunk
        residual = (outcomes - mean - left @ (shrunk[:, None] * coordinates)) / kept_back[:, None]
        error = (residual**2).mean(0)
        best, least = np.where(error < least, number, best), np.minimum(error, least)
    inverse = singular[:, None] / (singular[:, None] ** 2 + count * PENALTIES[best])  # [j, m]
    # exactly zero for a feature that never varied, whatever the decomposition rounds
    weights = np.where(np.isfinite(scale)[:, None], right.T @ (inverse * coordinates), 0.0)
    return Observer(centre, scale, weights, mean, outcomes.min(0), outcomes.max(0))


def predict(observer: Observer, features: Floats) -> Floats:
    """Return the outcomes that an observer expects, f[n, m], no less and no more than those that it has seen.

    The bounds keep a feature that hardly varied before from leading to predictions without measure.

    Args:
      observer: a fitted observer.
      features: f[n, p].
    """
    z = _standardised(features, observer.centre, observer.scale)
    return np.clip(observer.mean + z @ observer.weights, observer.low, observer.high)


def _moments(features: Floats) -> tuple[Floats, Floats]:
    """Return the means and standard deviations of features over the levels where they are defined."""
    defined = ~np.isnan(features)
    count = np.maximum(defined.sum(0), 1)
    centre = np.where(defined, features, 0.0).sum(0) / count
    scale = np.sqrt((np.where(defined, features - centre, 0.0) ** 2).sum(0) / count)
    return centre, np.where(scale > _ROUNDING * np.abs(centre), scale, np.inf)


def _standardised(features: Floats, centre: Floats, scale: Floats) -> Floats:
    return np.nan_to_num((features - centre) / scale, nan=0.0)
