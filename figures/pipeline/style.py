"""The look that figures share: panels, bars, captions, and pictures as PNG and PDF."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from groove.evaluation.comparisons.compare_plots import colours
from groove.evaluation.comparisons.comparison import Comparison, agents_of_each, aggregates
from groove.utils.io import write_json
from groove.utils.plotting import INK, dress, new_figure, save_picture
from groove.utils.text import quantity

IQM = "IQM, A2C is 1"
PANEL: Any = {"title_size": 9, "grid": None}  # the panels of figures have small titles and no grid


def _files(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    yield from (path.with_name(path.name + suffix) for suffix in (".png", ".pdf"))


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG and as PDF, at a path without suffix."""
    for file in _files(path):
        save_picture(figure, file)


def save_drawn(draw: Callable[[Comparison, Path], None], comparison: Comparison, path: Path) -> None:
    """Write one of the pictures of groove.evaluation.comparisons.compare_plots as PNG and as PDF."""
    for file in _files(path):
        draw(comparison, file)


def draw_bars(comparison: Comparison, labels: Sequence[str], path: Path, claim: str) -> None:
    """Draw the IQM and every task in a panel of its own: a dot and an interval per method, references as lines."""
    panels = [(row.task, row.returns) for row in comparison.rows]
    if iqm := aggregates(comparison)["IQM"]:  # empty if A2C has learned nothing, as at smoke scale
        panels = [(IQM, iqm), *panels]
    width, height = max(2.3 * len(panels) + 1.2, 7.0), 0.38 * len(labels) + 1.7
    figure = new_figure(width, height, dpi=140)
    palette = colours(comparison.rules)
    grid = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for axes, (title, values) in zip(grid, panels, strict=True):
        for y, label in enumerate(labels):
            value = values[label]
            axes.plot([value.low, value.high], [y, y], color=palette[label], lw=2.5, solid_capstyle="round")
            axes.plot(value.value, y, "o", color=palette[label], ms=6)
        for name in ("random", "a2c"):
            if name in values:
                axes.axvline(values[name].value, color=palette[name], lw=1, ls="--", zorder=0)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        dress(axes, title, **PANEL)
    finish(figure, comparison, path, claim, "IQM and mean return (dashed: A2C, dark, and random play, light)")


def finish(figure: Figure, comparison: Comparison, path: Path, claim: str, shown: str) -> None:
    """Add the caption, and write the picture (PNG, PDF) and its numbers (JSON).

    Args:
      figure: the drawn picture.
      comparison: the numbers that it shows.
      path: path without suffix.
      claim: the paper's claim.
      shown: one phrase that says what the panels show.
    """
    methods = {label: count for label, count in comparison.clusters.items() if label not in ("a2c", "random")}
    seeds = ", ".join(f"{label} {count}" for label, count in methods.items())
    agents = min(least for least, _ in agents_of_each(comparison).values())
    steps = ", ".join(sorted({quantity(row.env_steps) for row in comparison.rows}))
    caption = (
        f"{claim}\nMeta-seeds: {seeds}; at least {agents} agents of each a task, {steps} steps an agent.\n"
        f"{shown}, with 95 % bootstrap intervals over meta-seeds and agents."
    )
    add_caption(figure, caption)
    save(figure, path)
    numbers = {row.task: {rule: list(value) for rule, value in row.returns.items()} for row in comparison.rows}
    iqm = {rule: list(value) for rule, value in aggregates(comparison)["IQM"].items()}
    content = {"claim": claim, "shown": shown, "clusters": dict(comparison.clusters), "iqm": iqm, "returns": numbers}
    write_json(path.with_name(path.name + ".json"), content)


def add_caption(figure: Figure, caption: str) -> None:
    """Write a caption below a figure, from its left edge."""
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
