"""A comparison for people to look at: tables as Markdown, and three pictures."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from groove.evaluation import aggregate
from groove.evaluation.compare import HIGH, LOW, Comparison, aggregates
from groove.utils.bootstrap import Interval
from groove.utils.plotting import INK, PALETTE, dress, new_figure, save_picture
from groove.utils.text import quantity

REFERENCES = {LOW: "#B0B0B0", HIGH: "#4D4D4D"}
COLUMNS = 4
FEW_SEEDS = 10  # below which intervals are known to be too narrow


def colours(rules: Sequence[str]) -> dict[str, str]:
    """A colour for each rule, always the same for the references."""
    learned = [rule for rule in rules if rule not in REFERENCES]
    own = {rule: PALETTE[i % len(PALETTE)] for i, rule in enumerate(learned)}
    return {rule: REFERENCES.get(rule) or own[rule] for rule in rules}


def markdown(comparison: Comparison) -> str:
    """Returns by task, then aggregates: two Markdown tables and a line on what they are."""
    head = ["task", "steps an agent", *comparison.rules]
    rows = [
        [row.task, quantity(row.env_steps), *(_cell(row.returns[rule]) for rule in comparison.rules)]
        for row in comparison.rows
    ]
    text = [
        _table(head, rows),
        "",
        f"Mean return of complete episodes at the end of life; {_interval_note(comparison)}",
    ]
    if comparison.scores:
        rows = [
            [name, *(_cell(by_rule[rule]) if rule in by_rule else "" for rule in comparison.rules)]
            for name, by_rule in aggregates(comparison).items()
        ]
        text += ["", _table(["normalised", *comparison.rules], rows), ""]
        left_out = f"; left out, as {HIGH} gains nothing there: {', '.join(comparison.left_out)}"
        text += [
            f"0 is {LOW}'s return, 1 is {HIGH}'s, over {len(comparison.scored)} tasks"
            f"{left_out if comparison.left_out else ''}."
        ]
    else:
        text += ["", f"Not normalised: that takes results of {LOW} and {HIGH} on the same tasks."]
    return "\n".join(text) + "\n"


def draw_learning_curves(comparison: Comparison, path: Path) -> None:
    """One panel a task: mean return against environment steps, with intervals over seeds."""
    shown = comparison.rows
    columns = min(COLUMNS, len(shown))
    lines = math.ceil(len(shown) / columns)
    figure = new_figure(3.4 * columns + 0.4, 2.5 * lines + 0.9)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    palette = colours(comparison.rules)
    for axes, row in zip(grid, shown, strict=False):
        for rule, (steps, interval) in row.curves.items():
            marker = "o" if len(steps) == 1 else None
            axes.plot(steps, interval.value, color=palette[rule], lw=1.8, marker=marker, ms=4, label=rule)
            axes.fill_between(steps, interval.low, interval.high, color=palette[rule], alpha=0.18, lw=0)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value)))
        dress(axes, row.task)
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=10)
    figure.supxlabel(f"environment steps of one agent; return, {_interval_note(comparison)}", fontsize=8, color=INK)
    save_picture(figure, path)


def draw_aggregates(comparison: Comparison, path: Path) -> None:
    """One panel a statistic: the value of each rule and its interval."""
    found = aggregates(comparison)
    figure = new_figure(3.0 * len(found) + 1.0, 0.38 * len(comparison.rules) + 1.3)
    palette = colours(comparison.rules)
    for axes, (name, by_rule) in zip(figure.subplots(1, len(found), sharey=True), found.items(), strict=True):
        for i, rule in enumerate(comparison.rules):
            if rule in by_rule:
                value = by_rule[rule]
                axes.plot([value.low, value.high], [i, i], color=palette[rule], lw=7, alpha=0.35)
                axes.plot(value.value, i, "|", color=palette[rule], ms=13, mew=2.5)
        axes.set_yticks(range(len(comparison.rules)), comparison.rules)
        axes.set_ylim(len(comparison.rules) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        dress(axes, name + (" (less is better)" if "gap" in name else ""), grid="x")
    note = f"normalised: 0 is {LOW}, 1 is {HIGH}; {len(comparison.scored)} tasks; {_interval_note(comparison)}"
    figure.supxlabel(note, fontsize=8, color=INK)
    save_picture(figure, path)


def draw_profile(comparison: Comparison, path: Path) -> None:
    """The share of levels and seeds on which a rule scores above tau, against tau."""
    figure = new_figure(6.4, 4.0)
    axes = figure.subplots()
    tau = np.linspace(-0.25, 1.5, 141)
    palette = colours(comparison.rules)
    for rule, scores in comparison.profile.items():
        if rule == LOW:
            continue
        band = aggregate.stratified_bootstrap(
            lambda x: aggregate.performance_profile(x, tau),
            scores,
            rng=np.random.default_rng(0),
            resamples=500,
            clusters=[comparison.clusters[rule]],
        )
        axes.plot(tau, band.value, color=palette[rule], lw=2, label=rule)
        axes.fill_between(tau, band.low, band.high, color=palette[rule], alpha=0.18, lw=0)
    axes.axvline(1.0, color=INK, lw=0.8, ls=":")
    axes.set_xlabel(f"normalised return tau: 0 is {LOW}'s, 1 is {HIGH}'s", fontsize=9, color=INK)
    axes.set_ylabel("share of levels and seeds above tau", fontsize=9, color=INK)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(tau[0], tau[-1])
    axes.legend(frameon=False, fontsize=9)
    count = next(iter(comparison.profile.values())).shape
    steps = quantity(max(row.env_steps for row in comparison.rows))
    figure.supxlabel(textwrap.fill(_interval_note(comparison), 100), fontsize=7, color=INK)
    dress(axes, f"{count[1]} levels, {steps} environment steps an agent", title_size=9)
    save_picture(figure, path)


def _cell(value: Interval[float]) -> str:
    low_high = f" [{_number(value.low)}, {_number(value.high)}]" if math.isfinite(value.low) else ""
    return f"{_number(value.value)}{low_high}"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"


def _interval_note(comparison: Comparison) -> str:
    seeds = min(row.seeds for row in comparison.rows)
    pooled = [f"{rule} {count}" for rule, count in comparison.clusters.items() if count > 1]
    if pooled:
        runs = f"meta-seeds ({', '.join(pooled)}) and the agents' seeds within each"
        return f"95 % bootstrap intervals over {runs}, which are too narrow with so few."
    if seeds < 2:
        return "one seed, so without intervals."
    few = ", which are too narrow with so few" if seeds < FEW_SEEDS else ""
    return f"95 % bootstrap intervals over {seeds} seeds{few}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
