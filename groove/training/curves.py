"""What a run came to: its curves as one picture, and its summary as a few lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from groove.training.loggers import read_jsonl
from groove.utils.plotting import BLUE, INK, ORANGE, dress, new_figure, save_picture
from groove.utils.text import duration, quantity

COLOURS = (BLUE, ORANGE)
COLUMNS = 4
SMOOTH_FROM = 60  # points of a series, from which on a running mean is drawn over it,
SMOOTH_SHARE = 0.05  # over this share of its points

Series = tuple[np.ndarray, np.ndarray]  # steps, values: f64 [points], finite
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One small picture: its title, metric -> label, and how to draw it."""

    title: str
    lines: Mapping[str, str]
    log: bool = False
    from_zero: bool = False  # and with 1.2 M for 1200000


PANELS = (
    Panel("Return in training", {"student_return": "student", "antagonist_return": "antagonist (A2C)"}),
    Panel("Regret", {"regret": "lifetimes just finished", "score_mean": "level buffer, mean"}),
    Panel("Replay share", {"replay_share": "replay share"}, from_zero=True),
    Panel("Environment steps a second", {"env_steps_per_second": "speed"}, from_zero=True),
    Panel("Entropy", {"policy_entropy": "policy", "prediction_entropy": "prediction y"}),
    Panel("Size of the targets (L2)", {"pi_hat_l2": "pi_hat", "y_hat_l2": "y_hat"}),
    Panel("Meta-loss", {"meta_loss": "meta-loss"}),
    Panel(
        "Learning (log scale)",
        {"meta_grad_norm": "meta-gradient norm", "meta_critic_loss": "meta-critic's loss"},
        log=True,
    ),
)


def draw_curves(metrics_jsonl_path: str | Path, png_path: str | Path) -> None:
    """Draws the metrics of a run: validation large on top, the rest small below; no empty panels.

    Args:
      metrics_jsonl_path: the rows, as JsonlLogger writes them.
      png_path: the picture, replaced if it exists.

    Raises:
      LoggerError: if the rows cannot be read.
    """
    rows = sorted(read_jsonl(metrics_jsonl_path), key=lambda row: row["step"])
    headline = len(series(rows, "validation/normalised_return")[0]) > 0
    panels = [panel for panel in PANELS if any(len(series(rows, name)[0]) for name in panel.lines)]
    lines = math.ceil(len(panels) / COLUMNS)
    figure = new_figure(14.0, 0.6 + 4.2 * headline + 2.6 * lines + 1.0 * (not panels), dpi=110, pad=0.08)
    heights = (4.2 * headline + 0.01, 2.6 * lines + 0.2)
    top, bottom = cast(Sequence[Any], figure.subfigures(2, 1, height_ratios=heights))
    if headline:
        _draw_headline(top.subplots(), rows)
    for axes, panel in zip(_small_axes(bottom, len(panels)), panels):
        _draw_panel(axes, panel, rows)
    bottom.supxlabel(_footnote(rows), fontsize=9, color=INK)
    save_picture(figure, Path(png_path))


def series(rows: Rows, name: str) -> Series:
    """The steps at which a metric was logged as a finite number, and its values there."""
    points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
    finite = np.asarray([point for point in points if math.isfinite(point[1])], float).reshape(-1, 2)
    return finite[:, 0], finite[:, 1]


def running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """The mean over a centred window, at the ends over what there is of it."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first = np.maximum(index - window // 2, 0)
    end = np.minimum(index + window // 2 + 1, len(values))
    return (total[end] - total[first]) / (end - first)


def summary_text(summary: Mapping[str, Any]) -> str:
    """The end of a run in a few lines, the headline first.

    Args:
      summary: the last values of the metrics by their names in metrics.jsonl, and optionally `run_dir` and
        `stopped` (why the run ended early); what is missing or None is left out.
    """
    known = {name: value for name, value in summary.items() if value is not None}
    lines = [*_headline_lines(known), *_detail_lines(known)]
    return "\n".join(lines)


def _headline_lines(known: Mapping[str, Any]) -> list[str]:
    names = {"learned rule": "normalised", "untrained rule": "untrained_normalised"}
    lines = []
    for label, name in names.items():
        value = known.get("validation/normalised_return" if name == "normalised" else f"validation/{name}")
        if value is not None:
            low, high = known.get(f"validation/{name}_low"), known.get(f"validation/{name}_high")
            interval = f"  [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
            lines.append(f"{label:<15} {value:.2f} of A2C's return on unseen levels{interval}")
    return lines or ["The rule was not validated."]


def _detail_lines(known: Mapping[str, Any]) -> list[str]:
    learners = {"student_return": "learned", "a2c_return": "A2C", "untrained_return": "untrained"}
    returns = [f"{label} {known[f'validation/{n}']:.3f}" for n, label in learners.items() if f"validation/{n}" in known]
    ran = [f"{known['step']:,} meta-steps"] if "step" in known else []
    ran += [f"{quantity(known['env_steps'])} environment steps"] if "env_steps" in known else []
    ran += [f"in {duration(known['seconds'])}"] if "seconds" in known else []
    skipped = [f"{known['skipped']:,.0f} meta-gradients that were not finite"] if known.get("skipped") else []
    rows = {"returns": ", ".join(returns), "trained for": ", ".join(ran), "skipped": ", ".join(skipped)}
    rows |= {"stopped": str(known.get("stopped", "")), "files": str(known.get("run_dir", ""))}
    return [f"{label:<15} {text}" for label, text in rows.items() if text]


def _small_axes(figure: Any, count: int) -> list[Axes]:
    if count == 0:
        return []
    grid = figure.subplots(math.ceil(count / COLUMNS), COLUMNS, squeeze=False).ravel().tolist()
    for axes in grid[count:]:
        axes.set_axis_off()
    return list(grid[:count])


def _draw_headline(axes: Axes, rows: Rows) -> None:
    steps, values = series(rows, "validation/normalised_return")
    low_at, low = series(rows, "validation/normalised_low")
    high_at, high = series(rows, "validation/normalised_high")
    if np.array_equal(low_at, steps) and np.array_equal(high_at, steps):
        axes.fill_between(steps, low, high, color=BLUE, alpha=0.18, linewidth=0, label="bootstrap interval")
        last = f"{values[-1]:.2f} [{low[-1]:.2f}, {high[-1]:.2f}]"
    else:
        last = f"{values[-1]:.2f}"
    axes.plot(steps, values, color=BLUE, linewidth=2, marker="o", markersize=4, label="learned rule")
    axes.axhline(1.0, color=INK, linewidth=1.2, label="A2C")
    untrained = series(rows, "validation/untrained_normalised")[1]
    if len(untrained):
        axes.axhline(untrained[-1], color=ORANGE, linewidth=1.5, linestyle="--", label="untrained rule")
    low_end = min(0.0, *values, *untrained)
    axes.set_ylim(low_end - 0.05, max(1.0, *values, *high) + 0.05)
    dress(axes, f"Return on unseen levels, as a share of A2C's: {last}", title_size=14)
    _count_meta_steps(axes, rows)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, ncols=4, fontsize=10)


def _draw_panel(axes: Axes, panel: Panel, rows: Rows) -> None:
    for (name, label), colour in zip(panel.lines.items(), COLOURS):
        steps, values = series(rows, name)
        smooth = len(values) >= SMOOTH_FROM
        if len(values):
            marker = "o" if len(values) == 1 else None
            thin = {"linewidth": 0.6, "alpha": 0.35} if smooth else {"linewidth": 1.5, "label": label}
            axes.plot(steps, values, color=colour, marker=marker, markersize=4, **thin)
        if smooth:
            mean = running_mean(values, _window(values))
            axes.plot(steps, mean, color=colour, linewidth=1.8, label=label)
    if panel.log and all((series(rows, name)[1] > 0).all() for name in panel.lines):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if panel.from_zero:
        axes.set_ylim(bottom=0.0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    dress(axes, panel.title)
    _count_meta_steps(axes, rows)
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(frameon=False, fontsize=8)


def _count_meta_steps(axes: Axes, rows: Rows) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.set_xlim(0, max(row["step"] for row in rows) * 1.01 + 1)


def _window(values: np.ndarray) -> int:
    return max(3, int(len(values) * SMOOTH_SHARE))


def _footnote(rows: Rows) -> str:
    if not rows:
        return "no metrics were logged"
    longest = max(len(series(rows, name)[1]) for panel in PANELS for name in panel.lines)
    smoothed = f"; thick: running mean over {SMOOTH_SHARE:.0%} of the points" if longest >= SMOOTH_FROM else ""
    return f"horizontal axes: meta-steps{smoothed}"
