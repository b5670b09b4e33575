"""The picture of openness: the observer's error on later levels, for several horizons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps

from groove.evaluation.openness.openness import Openness
from groove.utils.plotting import GREY, INK, dress, new_figure, save_picture

CURVES = 5  # horizons in one panel, at most


def draw_openness(runs: Mapping[str, Mapping[str, Openness]], path: Path) -> None:
    """Draw one row of panels for each run, one panel for each kind of outcome.

    Args:
      runs: title of the run -> kind of outcome -> its openness.
      path: the picture, .png or .pdf.
    """
    columns = max(len(measured) for measured in runs.values())
    figure = new_figure(5.2 * columns, 3.3 * len(runs), dpi=110)
    grid = figure.subplots(len(runs), columns, squeeze=False)
    for row, (title, measured) in zip(grid, runs.items(), strict=True):
        for axes in row[len(measured) :]:
            axes.set_axis_off()
        for axes, (kind, openness) in zip(row, measured.items()):
            _draw_panel(axes, f"{title}: {kind}" if len(runs) > 1 else kind, openness)
    save_picture(figure, path)


def _draw_panel(axes: Any, title: str, openness: Openness) -> None:
    """Draw error over T, one curve for each of some horizons t, dark for long ones."""
    count = len(openness.ends)
    horizons = np.unique(np.linspace(0, count - 2, CURVES).round().astype(int))
    shades = colormaps["viridis_r"](np.linspace(0.1, 1.0, len(horizons)))
    for horizon, shade in zip(horizons, shades, strict=True):
        label = f"t = {openness.ends[horizon]:,}"
        axes.plot(openness.ends, openness.error[horizon], "o-", ms=3, color=shade, label=label)
    axes.axhline(1.0, color=GREY, lw=0.8, ls="--")
    axes.set_xlabel("T, meta-steps", fontsize=8, color=INK)
    axes.set_ylabel("error, variances of the outcome", fontsize=8, color=INK)
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False, fontsize=7, title="seen until", title_fontsize=7)
    novelty, learnability = openness.novelty, openness.learnability
    dress(
        axes,
        f"{title}\nnovelty {novelty.value:+.2f} [{novelty.low:+.2f}, {novelty.high:+.2f}], learnability "
        f"{learnability.value:+.2f} [{learnability.low:+.2f}, {learnability.high:+.2f}]\n{openness.verdict}",
        title_size=8,
    )
