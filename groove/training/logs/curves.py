"""The metrics of a run as one picture."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from groove.training.logs.loggers import read_jsonl
from groove.training.settings.config import BASELINE_LABEL
from groove.utils.plotting import BLUE, INK, ORANGE, dress, new_figure, save_picture
from groove.utils.text import quantity

COLOURS = (BLUE, ORANGE)
OTHERS = ("tab:green", "tab:purple", "tab:brown", "tab:olive")  # of further sources that a run validates on
SCORE = "validation/normalised_return"
GROUP = "/student_return"  # the end of a metric that every group of lifetimes has
COLUMNS = 4
SMOOTH_FROM = 60  # points of a series from which a running mean is drawn
SMOOTH_SHARE = 0.05  # width of the running mean, as a share of the points

Series = tuple[np.ndarray, np.ndarray]  # meta-steps, values: f64[points], finite
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One small picture.

    Attributes:
      title: text above the picture.
      lines: metric -> label in the legend.
      log: whether the vertical axis is logarithmic, if all values are positive.
      from_zero: whether the vertical axis begins at 0 and counts in k, M and G.
    """

    title: str
    lines: Mapping[str, str]
    log: bool = False
    from_zero: bool = False


RETURNS = Panel("Return in training", {"student_return": "student", "antagonist_return": "antagonist"})
PANELS = (
    RETURNS,
    Panel("Regret", {"regret": "lifetimes just finished", "score_mean": "level buffer, mean"}),
    Panel("Replay share", {"replay_share": "replay share"}, from_zero=True),
    Panel("Environment steps a second", {"env_steps_per_second": "speed"}, from_zero=True),
    Panel("Entropy", {"policy_entropy": "policy", "prediction_entropy": "prediction y"}),
    Panel("Size of the targets (L2)", {"pi_hat_l2": "pi_hat", "y_hat_l2": "y_hat"}),
    Panel("Meta-loss", {"meta_loss": "meta-loss"}),
    Panel("Agreement of half meta-batches (cosine)", {"meta_grad_agreement": "meta-gradient"}),
    Panel(
        "Learning (log scale)",
        {"meta_grad_norm": "meta-gradient norm", "meta_critic_loss": "meta-critic's loss"},
        log=True,
    ),
)


def draw_curves(
    metrics_jsonl: str | Path,
    picture: str | Path,
    antagonists: Sequence[str] = (),
    first_rule: str = "untrained rule",
) -> None:
    """Draw the metrics of a run: validation large on top, the others small below, and no empty panels.

    Args:
      metrics_jsonl: the rows, as JsonlLogger writes them.
      picture: the file to write, .png or .pdf; an existing file is replaced.
      antagonists: names for the legend.
      first_rule: what the rule before meta-training is called.

    Raises:
      LoggerError: if the rows cannot be read.
    """
    rows = sorted(read_jsonl(metrics_jsonl), key=lambda row: row["step"])
    validated = len(series(rows, SCORE)[0]) > 0
    every = [*panels_for(antagonists), *(panel for group in groups_of(rows) for panel in panels_of(group))]
    panels = [panel for panel in every if any(len(series(rows, name)[0]) for name in panel.lines)]
    lines = math.ceil(len(panels) / COLUMNS)
    figure = new_figure(14.0, 0.6 + 4.2 * validated + 2.6 * lines + 1.0 * (not panels), dpi=110, pad=0.08)
    heights = (4.2 * validated + 0.01, 2.6 * lines + 0.2)
    top, bottom = cast(Sequence[Any], figure.subfigures(2, 1, height_ratios=heights))
    if validated:
        _draw_validation(top.subplots(), rows, first_rule)
    for axes, panel in zip(_small_axes(bottom, len(panels)), panels):
        _draw_panel(axes, panel, rows)
    bottom.supxlabel(_footnote(rows), fontsize=9, color=INK)
    save_picture(figure, Path(picture))


def panels_for(antagonists: Sequence[str]) -> tuple[Panel, ...]:
    """Return the panels, with the names of the antagonists in the legend of the returns."""
    if not antagonists:
        return PANELS
    label = f"antagonist ({', '.join(antagonists)})"
    return (dataclasses.replace(RETURNS, lines={**RETURNS.lines, "antagonist_return": label}), *PANELS[1:])


def panels_of(group: str) -> tuple[Panel, ...]:
    """Return the panels of one group, if a run trains several kinds of agents."""
    return tuple(
        dataclasses.replace(
            panel,
            title=f"{panel.title}, {group}",
            lines={f"{group}/{name}": label for name, label in panel.lines.items()},
        )
        for panel in PANELS[:3]
    )


def prefixes(rows: Rows, ending: str) -> list[str]:
    """Return the parts before an ending of the names of metrics, in alphabetical order."""
    names = {name for row in rows for name in row}
    return sorted(name.removesuffix(ending) for name in names if name.endswith(ending) and name != ending)


def groups_of(rows: Rows) -> list[str]:
    """Return the names of the groups of lifetimes, if a run trains several kinds of agents."""
    return [name for name in prefixes(rows, GROUP) if name.rpartition("/")[2] != "validation"]


def series(rows: Rows, name: str) -> Series:
    """Return the meta-steps at which a metric was logged as a finite number, and its values at these meta-steps."""
    points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    finite = np.asarray([point for point in points if math.isfinite(point[1])], float).reshape(-1, 2)
    return finite[:, 0], finite[:, 1]


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over a centred window, cut off at both ends of the values."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first = np.maximum(index - window // 2, 0)
    end = np.minimum(index + window // 2 + 1, len(values))
    return (total[end] - total[first]) / (end - first)


def _small_axes(figure: Any, count: int) -> list[Axes]:
    """Return `count` axes in a grid whose other cells stay empty."""
    if count == 0:
        return []
    grid = figure.subplots(math.ceil(count / COLUMNS), COLUMNS, squeeze=False).ravel().tolist()
    for axes in grid[count:]:
        axes.set_axis_off()
    return list(grid[:count])


def _draw_validation(axes: Axes, rows: Rows, first_rule: str) -> None:
    steps, values = series(rows, SCORE)
    most = max(1.0, *values)
    low_steps, low = series(rows, "validation/normalised_low")
    high_steps, high = series(rows, "validation/normalised_high")
    last = f"{values[-1]:.2f}"
    if np.array_equal(low_steps, steps) and np.array_equal(high_steps, steps):
        axes.fill_between(steps, low, high, color=BLUE, alpha=0.18, linewidth=0, label="bootstrap interval")
        last += f" [{low[-1]:.2f}, {high[-1]:.2f}]"
    axes.plot(steps, values, color=BLUE, linewidth=2, marker="o", markersize=4, label="learned rule")
    for source, colour in zip(prefixes(rows, f"/{SCORE}"), cycle(OTHERS)):
        own_steps, own = series(rows, f"{source}/{SCORE}")
        axes.plot(own_steps, own, color=colour, linewidth=1.5, marker="o", markersize=3, label=f"on {source}")
        most = max(most, *own)
    axes.axhline(1.0, color=INK, linewidth=1.2, label=BASELINE_LABEL)
    untrained = series(rows, "validation/untrained_normalised")[1]
    if len(untrained):
        axes.axhline(untrained[-1], color=ORANGE, linewidth=1.5, linestyle="--", label=first_rule)
    axes.set_ylim(min(0.0, *values, *untrained) - 0.05, max([most, *high]) + 0.05)
    dress(axes, f"Return on unseen levels, as a share of {BASELINE_LABEL}'s: {last}", title_size=14)
    _count_meta_steps(axes, rows)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, ncols=4, fontsize=10)


def _draw_panel(axes: Axes, panel: Panel, rows: Rows) -> None:
    for (name, label), colour in zip(panel.lines.items(), COLOURS):
        _draw_line(axes, series(rows, name), label, colour)
    if panel.log and all((series(rows, name)[1] > 0).all() for name in panel.lines):
        _scale_logarithmically(axes)
    if panel.from_zero:
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    dress(axes, panel.title)
    _count_meta_steps(axes, rows)
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(frameon=False, fontsize=8)


def _draw_line(axes: Axes, points: Series, label: str, colour: str) -> None:
    """Draw one metric; long series are drawn thin, with their running mean on top."""
    steps, values = points
    smooth = len(values) >= SMOOTH_FROM
    if len(values):
        marker = "o" if len(values) == 1 else None
        thin = {"linewidth": 0.6, "alpha": 0.35} if smooth else {"linewidth": 1.5, "label": label}
        axes.plot(steps, values, color=colour, marker=marker, markersize=4, **thin)
    if smooth:
        window = max(3, int(len(values) * SMOOTH_SHARE))
        axes.plot(steps, running_mean(values, window), color=colour, linewidth=1.8, label=label)


def _scale_logarithmically(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _count_meta_steps(axes: Axes, rows: Rows) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.set_xlim(0, max(row["step"] for row in rows) * 1.01 + 1)


def _footnote(rows: Rows) -> str:
    if not rows:
        return "no metrics were logged"
    longest = max(len(series(rows, name)[1]) for panel in PANELS for name in panel.lines)
    smoothed = f"; thick: running mean over {SMOOTH_SHARE:.0%} of the points" if longest >= SMOOTH_FROM else ""
    return f"horizontal axes: meta-steps{smoothed}"
