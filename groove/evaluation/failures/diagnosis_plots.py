"""Heat maps of a diagnosis: A2C's lead over a rule by pairs of level features."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from groove.evaluation.failures.diagnosis import Diagnosis
from groove.utils.bootstrap import Floats
from groove.utils.plotting import INK, new_figure, save_picture

PAIRS = (  # features on the rows and columns of each heat map
    ("size", "max_steps"),
    ("wall_share", "nearest_positive"),
    ("mean_respawn", "max_steps"),
    ("positive_objects", "nearest_positive"),
)
LABELS = {
    "size": "grid side",
    "max_steps": "episode length (steps)",
    "wall_share": "share of walls",
    "nearest_positive": "steps to the nearest reward",
    "mean_respawn": "respawn probability",
    "positive_objects": "objects with positive reward",
}
BINS = 4
FEWEST = 5  # levels of a cell whose mean is shown


class Bins(NamedTuple):
    """Ranges of a feature, both ends included: f64[bins] each."""

    low: Floats
    high: Floats

    def labels(self) -> list[str]:
        """Return each range as text."""
        return [f"{a:.3g}" if not a < b else f"{a:.3g} .. {b:.3g}" for a, b in zip(self.low, self.high, strict=True)]


class HeatMap(NamedTuple):
    """Mean shortfall of levels by bins of two features.

    Attributes:
      mean: f64[rows, columns], A2C's mean return minus the rule's; NaN for cells of few levels.
      levels: i64[rows, columns], number of levels.
      rows: bins of the first feature.
      columns: bins of the second feature.
    """

    mean: Floats
    levels: npt.NDArray[np.int64]
    rows: Bins
    columns: Bins


def draw_diagnosis(diagnosis: Diagnosis, path: Path) -> None:
    """Draw a heat map for each pair of features: A2C's mean return minus the rule's, and the number of levels."""
    figure = new_figure(13.0, 9.2, dpi=110, pad=0.12)
    maps = [heat_map(diagnosis, *pair) for pair in PAIRS]
    shown = np.concatenate([each.mean[np.isfinite(each.mean)] for each in maps])
    limit = float(np.abs(shown).max()) if shown.size else 1.0
    for axes, pair, each in zip(figure.subplots(2, 2).ravel(), PAIRS, maps, strict=True):
        image = _draw_map(axes, each, limit)
        for axis, name, bins in zip((axes.yaxis, axes.xaxis), pair, (each.rows, each.columns), strict=True):
            axis.set_ticks(range(len(bins.low)), bins.labels())
            axis.set_label_text(LABELS[name], color=INK)
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="A2C's return less the rule's: red, the rule falls short")
    figure.suptitle(_title(diagnosis), fontsize=11, color=INK, x=0.01, ha="left")
    save_picture(figure, path)


def heat_map(diagnosis: Diagnosis, row: str, column: str) -> HeatMap:
    """Return the mean shortfall by bins of two features; levels with an undefined feature are in no cell."""
    a, b = diagnosis.features[row], diagnosis.features[column]
    bins = [_bins(x) for x in (a, b)]
    known = np.isfinite(a) & np.isfinite(b)
    place = [np.searchsorted(low, x[known], "right") - 1 for (low, _), x in zip(bins, (a, b), strict=True)]
    shape = (len(bins[0].low), len(bins[1].low))
    flat = np.ravel_multi_index(place, shape)
    count = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(flat, diagnosis.shortfall[known], minlength=count.size).reshape(shape)
    mean = np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
    return HeatMap(mean, count, bins[0], bins[1])


def _draw_map(axes: Axes, cells: HeatMap, limit: float) -> AxesImage:
    image = axes.imshow(cells.mean, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", origin="lower")
    for (i, j), n in np.ndenumerate(cells.levels):
        shown = f"{cells.mean[i, j]:+.2f}\nn = {n}" if np.isfinite(cells.mean[i, j]) else f"n = {n}"
        dark = abs(np.nan_to_num(cells.mean[i, j])) > 0.6 * limit
        axes.text(j, i, shown, ha="center", va="center", fontsize=9, color="white" if dark else INK)
    return image


def _title(diagnosis: Diagnosis) -> str:
    return (
        f"{diagnosis.name} beside A2C on {len(diagnosis.rule_returns)} random levels, {diagnosis.seeds} seed(s) of "
        f"{diagnosis.budget.updates} updates: {diagnosis.ratio:.2f} of A2C's return; behind on "
        f"{np.mean(diagnosis.shortfall > 0):.0%} of levels.\n"
        f"Means of cells with fewer than {FEWEST} levels are not shown."
    )


def _bins(values: Floats) -> Bins:
    """Return ranges with about equally many levels each, or one range per value if there are few different values."""
    finite = np.sort(values[np.isfinite(values)])
    if not finite.size:
        return Bins(np.array([np.nan]), np.array([np.nan]))
    different = np.unique(finite)
    low = (
        different
        if len(different) <= BINS + 1
        else np.unique(np.quantile(finite, np.arange(BINS) / BINS, method="higher"))
    )
    last = np.append(np.searchsorted(finite, low[1:]), len(finite)) - 1
    return Bins(low, finite[last])
