"""The axes of an archive of levels: features of levels, cut into ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groove.utils.bootstrap import Floats
from groove.utils.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class Axis:
    """A feature of levels, cut into ranges; the first and the last range are open.

    Attributes:
      feature: name of the feature.
      edges: f64[ranges - 1], increasing; range i holds the values from edges[i - 1] up to, but without, edges[i].
      whole: whether the feature is a whole number.
    """

    feature: str
    edges: Floats
    whole: bool = False

    def __len__(self) -> int:
        return len(self.edges) + 1

    def ranges(self, values: Floats) -> npt.NDArray[np.int64]:
        """Return the index of the range of each value, i64[n]; -1 where the feature is undefined."""
        return np.where(np.isfinite(values), np.searchsorted(self.edges, values, side="right"), -1)

    def labels(self) -> list[str]:
        """Return each range as text."""
        if not len(self.edges):
            return ["all"]
        between = [self._between(a, b) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]
        return [f"< {self.edges[0]:.3g}", *between, f">= {self.edges[-1]:.3g}"]

    def _between(self, low: float, high: float) -> str:
        if not self.whole:
            return f"{low:.3g} .. {high:.3g}"
        return f"{low:.0f}" if high == low + 1 else f"{low:.0f} .. {high - 1:.0f}"


def check_features(names: Sequence[str], known: Sequence[str], setting: str) -> None:
    """Refuse anything but two different features.

    Args:
      names: the features of the axes.
      known: the features that levels have.
      setting: the name of the flag or the setting that gave the names, for messages.

    Raises:
      ConfigError: naming the mistake.
    """
    if len(names) != 2 or names[0] == names[1]:
        raise ConfigError(
            f"{setting} = {','.join(names)} must be two different features, such as {known[0]},{known[1]}; in "
            f'Python, a list of two texts, as in ["{known[0]}", "{known[1]}"].'
        )
    for name in names:
        if name not in known:
            raise unknown_name(f"feature in {setting}", name, known)


def make_axes(names: Sequence[str], features: Mapping[str, Floats], ranges: int, setting: str) -> tuple[Axis, ...]:
    """Cut features into ranges of equal length on a scale that is linear near zero and logarithmic far from it.

    The scale is sign(x) log(1 + abs(x)). Edges of features that are whole numbers are rounded up, and equal edges are
    one.

    Args:
      names: the features.
      features: feature -> f64[n], its values on random levels, NaN where undefined.
      ranges: the largest number of ranges of an axis.
      setting: the name of the flag or the setting that gave the names, for messages.

    Raises:
      ConfigError: if a feature has the same value on all levels.
    """
    return tuple(_make_axis(name, features[name], ranges, setting) for name in names)


def _make_axis(name: str, values: Floats, ranges: int, setting: str) -> Axis:
    known = values[np.isfinite(values)]
    if not known.size or known.min() == known.max():
        raise ConfigError(f"{setting}: {name} is the same on all random levels; choose another feature.")
    scaled = np.sign(known) * np.log1p(np.abs(known))
    inner = np.linspace(scaled.min(), scaled.max(), ranges + 1)[1:-1]
    edges = np.sign(inner) * np.expm1(np.abs(inner))
    whole = bool((known == np.round(known)).all())
    if whole:
        edges = np.ceil(np.round(edges, 9))
    return Axis(name, np.unique(edges[(edges > known.min()) & (edges <= known.max())]), whole)
