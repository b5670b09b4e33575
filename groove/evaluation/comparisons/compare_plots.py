"""A comparison as pictures: learning curves, aggregates and a performance profile."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from groove.evaluation.comparisons.aggregate import performance_profile
from groove.evaluation.comparisons.comparison import HIGH, LOW, Comparison, TaskRow, aggregates
from groove.evaluation.comparisons.tables import interval_note
from groove.utils.bootstrap import Floats, Interval, stratified_bootstrap
from groove.utils.plotting import INK, PALETTE, dress, new_figure, save_picture
from groove.utils.text import quantity

REFERENCES = {LOW: "#B0B0B0", HIGH: "#4D4D4D"}
COLUMNS = 4
_LETTERS = 15  # of a note, in an inch


def colours(rules: Sequence[str]) -> dict[str, str]:
    """Return a colour for each rule; the references always have the same colours."""
    learned = [rule for rule in rules if rule not in REFERENCES]
    own = {rule: PALETTE[i % len(PALETTE)] for i, rule in enumerate(learned)}
    return {rule: REFERENCES.get(rule) or own[rule] for rule in rules}


def draw_learning_curves(comparison: Comparison, path: Path) -> None:
    """Draw one panel per task: mean return against environment steps, with intervals over seeds."""
    rows = comparison.rows
    columns = min(COLUMNS, len(rows))
    lines = math.ceil(len(rows) / columns)
    figure = new_figure(3.4 * columns + 0.4, 2.5 * lines + 0.9)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    palette = colours(comparison.rules)
    for axes, row in zip(panels, rows, strict=False):
        _draw_task(axes, row, palette)
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=10)
    _explain(figure, f"environment steps of one agent; return, {interval_note(comparison)}")
    save_picture(figure, path)


def _explain(figure: Figure, note: str) -> None:
    """Write a note under the panels, on as many lines as the width of the figure asks for."""
    figure.supxlabel(textwrap.fill(note, int(_LETTERS * figure.get_figwidth())), fontsize=8, color=INK)


def draw_aggregates(comparison: Comparison, path: Path) -> None:
    """Draw one panel per statistic: the value of each rule and its interval."""
    values = aggregates(comparison)
    figure = new_figure(3.0 * len(values) + 1.0, 0.38 * len(comparison.rules) + 1.3)
    panels = figure.subplots(1, len(values), sharey=True)
    for axes, (name, by_rule) in zip(panels, values.items(), strict=True):
        _draw_statistic(axes, by_rule, comparison.rules)
        dress(axes, name + (" (less is better)" if "gap" in name else ""), grid="x")
    note = f"normalised: 0 is {LOW}, 1 is {HIGH}; {len(comparison.scored)} tasks; {interval_note(comparison)}"
    _explain(figure, note)
    save_picture(figure, path)


def draw_profile(comparison: Comparison, path: Path) -> None:
    """Draw the share of levels and seeds on which a rule scores above tau, against tau."""
    figure = new_figure(6.4, 4.0)
    axes = figure.subplots()
    tau = np.linspace(-0.25, 1.5, 141)
    palette = colours(comparison.rules)
    for rule, scores in comparison.profile.items():
        if rule != LOW:
            band = _profile_band(scores, tau, comparison.clusters[rule])
            axes.plot(tau, band.value, color=palette[rule], lw=2, label=rule)
            axes.fill_between(tau, band.low, band.high, color=palette[rule], alpha=0.18, lw=0)
    axes.axvline(1.0, color=INK, lw=0.8, ls=":")
    axes.set_xlabel(f"normalised return tau: 0 is {LOW}'s, 1 is {HIGH}'s", fontsize=9, color=INK)
    axes.set_ylabel("share of levels and seeds above tau", fontsize=9, color=INK)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(tau[0], tau[-1])
    axes.legend(frameon=False, fontsize=9)
    levels = next(iter(comparison.profile.values())).shape[1]
    steps = quantity(max(row.env_steps for row in comparison.rows))
    _explain(figure, interval_note(comparison))
    dress(axes, f"{levels} levels, {steps} environment steps an agent", title_size=9)
    save_picture(figure, path)


def _draw_task(axes: Axes, row: TaskRow, palette: Mapping[str, str]) -> None:
    for rule, (steps, interval) in row.curves.items():
        marker = "o" if len(steps) == 1 else None
        axes.plot(steps, interval.value, color=palette[rule], lw=1.8, marker=marker, ms=4, label=rule)
        axes.fill_between(steps, interval.low, interval.high, color=palette[rule], alpha=0.18, lw=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
    dress(axes, row.task)


def _draw_statistic(axes: Axes, by_rule: Mapping[str, Interval[float]], rules: Sequence[str]) -> None:
    palette = colours(rules)
    for y, rule in enumerate(rules):
        if rule in by_rule:
            value = by_rule[rule]
            axes.plot([value.low, value.high], [y, y], color=palette[rule], lw=7, alpha=0.35)
            axes.plot(value.value, y, "|", color=palette[rule], ms=13, mew=2.5)
    axes.set_yticks(range(len(rules)), rules)
    axes.set_ylim(len(rules) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))


def _profile_band(scores: Floats, tau: Floats, clusters: int) -> Interval[Floats]:
    return stratified_bootstrap(
        lambda x: performance_profile(x, tau),
        scores,
        rng=np.random.default_rng(0),
        resamples=500,
        clusters=[clusters],
    )
