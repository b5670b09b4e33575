"""Figures 3 and 8: returns on MinAtar by the number and kind of training levels.

    python figures/paper/fig03_training_levels.py --scale laptop

Rules are meta-trained on N random gridworlds, on the N hardest of many (those of highest algorithmic regret under an
LPG that was trained before), and on LPG's five handcrafted gridworlds. All agents are networks.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript, compared
from figures.pipeline.methods import games, tested, trainings
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.steps import FirstLevels, HardLevels
from figures.pipeline.style import IQM, PANEL, finish
from groove.cli._main import run_program
from groove.evaluation.comparisons import aggregate
from groove.evaluation.comparisons.comparison import Comparison, aggregates
from groove.evaluation.results import Cell
from groove.sweep.steps import MetaTraining
from groove.utils.bootstrap import Interval, stratified_bootstrap
from groove.utils.plotting import BLUE, GREY, ORANGE, dress, new_figure

Counts = tuple[int, ...]

COUNTS: Mapping[str, Counts] = {"smoke": (1, 2), "laptop": (1, 16, 256), "paper": tuple(2**i for i in range(11))}
_PERMUTATIONS = 9_999
SCORED = {"smoke": 8, "laptop": 2048, "paper": 10_000}
CLAIM = "Paper: more random levels are better (significantly correlated), hard ones are better than random ones, and\n"
CLAIM += "five handcrafted levels beat 64 random ones."


def labels(kind: str, counts: Counts) -> list[str]:
    """Return the labels of one kind of levels, "random" or "hardest", one per number of levels."""
    return [f"{count} {kind}" for count in counts]


def plan(scale: Scale) -> Plan:
    """Return the plan that trains an LPG, finds the levels of its highest regret, and trains rules on subsets."""
    counts = COUNTS[scale.name]
    first = MetaTraining("lpg", "varied", 0, scale.preset)
    hard = HardLevels(first, SCORED[scale.name], counts[-1])
    drawn = first.config.levels
    subsets = [FirstLevels(hard, count, (drawn.min_lifetime, drawn.max_lifetime)) for count in counts]
    rules = trainings(scale, "handcrafted", "networks:handcrafted", *scale.shorter)
    for subset, *label in zip(subsets, labels("random", counts), labels("hardest", counts), strict=True):
        rules += trainings(scale, label[0], f"networks:set:{subset.keep}", *scale.shorter)
        rules += trainings(scale, label[1], "networks:set:", *scale.shorter, levels=subset)
    tests = tested(scale, rules, games(scale), scale.fewer_agents)
    return Plan(((first,), (hard,), tuple(subsets), *tests.stages), tests.tests)


def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
    """Draw the IQM and every game against the number of levels."""
    counts = COUNTS[request.scale.name]
    methods = [*labels("random", counts), *labels("hardest", counts), "handcrafted", "a2c", "random"]
    comparison = compared(cells, methods)
    panels = [(row.task, row.returns) for row in comparison.rows]
    if comparison.scores:  # empty if A2C has learned nothing to normalise by, as at smoke scale
        panels = [(IQM, aggregates(comparison)["IQM"]), *panels]
    figure = new_figure(12.5, 3.2, dpi=140)
    grid = np.atleast_1d(figure.subplots(1, len(panels)))
    for axes, (title, values) in zip(grid, panels, strict=True):
        draw_panel(axes, values, counts)
        dress(axes, title, **PANEL)
    grid[0].legend(frameon=False, fontsize=8)
    statistics = f"{correlations(comparison, counts)}.\n{wins(comparison, counts)}.\n" if comparison.scores else ""
    finish(figure, comparison, path, CLAIM, f"{statistics}Normalised by random play and A2C, and mean returns")


def draw_panel(axes: Axes, values: Mapping[str, Interval[float]], counts: Counts) -> None:
    """Draw one statistic against the number of levels: a line per kind of levels, a square for the handcrafted ones."""
    for kind, colour in (("random", GREY), ("hardest", BLUE)):
        line = [values[label] for label in labels(kind, counts)]
        axes.plot(counts, [v.value for v in line], "o-", color=colour, ms=4, label=kind)
        axes.fill_between(counts, [v.low for v in line], [v.high for v in line], color=colour, alpha=0.2, lw=0)
    five = values["handcrafted"]
    axes.errorbar([5], [five.value], [[five.value - five.low], [five.high - five.value]], fmt="s", color=ORANGE, ms=5)
    axes.plot([], [], "s", color=ORANGE, label="handcrafted")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("training levels", fontsize=8)


def correlations(comparison: Comparison, counts: Counts) -> str:
    """Return Pearson's r between log2 N and a rule's mean score, with p-values of a permutation test, in words.

    Every rule has random levels of its own, so a permutation moves rules. All meta-seeds of one number are trained on
    the same hardest levels, so a permutation moves the numbers.
    """
    rng, sentences = np.random.default_rng(0), []
    for kind in ("random", "hardest"):
        scores = comparison.scores
        means = [scores[label].reshape(comparison.clusters[label], -1).mean(1) for label in labels(kind, counts)]
        y, sizes = np.concatenate(means), [len(m) for m in means]
        if kind == "random":
            orders = [rng.permutation(np.repeat(counts, sizes)) for _ in range(_PERMUTATIONS)]
        else:
            orders = [np.repeat(rng.permutation(counts), sizes) for _ in range(_PERMUTATIONS)]
        r, *by_chance = (np.corrcoef(np.log2(x), y)[0, 1] for x in (np.repeat(counts, sizes), *orders))
        p = (1 + sum(each >= r - 1e-12 for each in by_chance)) / (1 + _PERMUTATIONS)
        sentences.append(f"{kind} {r:.2f} (one-sided p = {p:.2g})")
    return f"Correlation of log2 of the number and a rule's mean score: {', '.join(sentences)}"


def wins(comparison: Comparison, counts: Counts) -> str:
    """Return the probability that an agent of a rule from hard levels beats one of a rule from random levels."""
    sentences = []
    for pair in zip(labels("hardest", counts), labels("random", counts), counts, strict=True):
        p = stratified_bootstrap(
            aggregate.probability_of_improvement,
            *(comparison.scores[label] for label in pair[:2]),
            rng=np.random.default_rng(0),
            clusters=[comparison.clusters[label] for label in pair[:2]],
        )
        sentences.append(f"{p.value:.2f} [{p.low:.2f}, {p.high:.2f}] of {pair[2]}")
    return f"P(hardest better than random): {', '.join(sentences)}"


FIGURE = FigureScript(
    "fig03_training_levels", "Draw figures 3 and 8: MinAtar by the number and kind of training levels.", plan, draw
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
