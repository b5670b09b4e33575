"""Figures 3 and 8: MinAtar by the number of training levels.

    python figures/paper/fig03_training_levels.py --scale laptop

Rules are meta-trained on N random gridworlds, on the N hardest of many (those of highest algorithmic regret under an
LPG trained before), and on LPG's five handcrafted ones; agents are networks everywhere.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from absl import app
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import (
    FEWER_AGENTS,
    IQM,
    PRESET,
    SCALE,
    SHORTER,
    FigureScript,
    compared,
    dress,
    finish,
    games,
    tested,
    trainings,
)
from figures.pipeline.plan import Plan
from figures.pipeline.steps import FirstLevels, HardLevels, MetaTraining
from groove.evaluation import aggregate
from groove.evaluation.compare import Comparison, aggregates
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Interval
from groove.utils.plotting import BLUE, GREY, ORANGE

COUNTS = {"smoke": (1, 2), "laptop": (1, 16, 256), "paper": tuple(2**i for i in range(11))}
SCORED = {"smoke": 8, "laptop": 2048, "paper": 10_000}
CLAIM = "Paper: more random levels are better (significantly correlated), hard ones are better than random ones, and\n"
CLAIM += "five handcrafted levels beat 64 random ones."


def labels(kind: str) -> list[str]:
    """One for each number of levels."""
    return [f"{count} {kind}" for count in COUNTS[SCALE.value]]


def plan() -> Plan:
    """An LPG, the levels it is worst at, and rules trained on subsets."""
    scale = SCALE.value
    first = MetaTraining("lpg", "varied", 0, PRESET[scale])
    hard = HardLevels(first, SCORED[scale], COUNTS[scale][-1])
    drawn = first.config.levels
    lifetimes = (drawn.min_lifetime, drawn.max_lifetime)
    subsets = [FirstLevels(hard, count, lifetimes) for count in COUNTS[scale]]
    rules = trainings("handcrafted", "networks:handcrafted", *SHORTER[scale])
    for subset, *label in zip(subsets, labels("random"), labels("hardest"), strict=True):
        rules += trainings(label[0], f"networks:set:{subset.keep}", *SHORTER[scale])
        rules += trainings(label[1], "networks:set:", *SHORTER[scale], levels=subset)
    wanted = tested(rules, games(), FEWER_AGENTS[scale])
    return Plan(((first,), (hard,), tuple(subsets), *wanted.stages), wanted.tests)


def draw(cells: Sequence[Cell], path: Path) -> None:
    """The aggregate, and every game."""
    found = compared(cells, [*labels("random"), *labels("hardest"), "handcrafted", "a2c", "random"])
    figure = Figure(figsize=(12.5, 3.2), dpi=140, layout="constrained")
    shown = len(found.rows) + bool(found.scores)  # at smoke scale A2C may have learned nothing to normalise by
    panels = np.atleast_1d(figure.subplots(1, shown))
    if found.scores:
        _draw(panels[0], aggregates(found)["IQM"])
        dress(panels[0], IQM)
    for axes, row in zip(panels[-len(found.rows) :], found.rows, strict=True):
        _draw(axes, row.returns)
        dress(axes, row.task)
    panels[0].legend(frameon=False, fontsize=8)
    statistics = f"{correlations(found)}.\n{wins(found)}.\n" if found.scores else ""
    finish(figure, found, path, CLAIM, f"{statistics}Normalised by random play and A2C, and mean returns")


def correlations(found: Comparison) -> str:
    """Pearson's r of log2 N and a rule's mean score, and how often chance comes as high, by shuffling."""
    rng, said = np.random.default_rng(0), []
    for kind in ("random", "hardest"):
        means = [found.scores[label].reshape(found.clusters[label], -1).mean(1) for label in labels(kind)]
        x = np.repeat(np.log2(COUNTS[SCALE.value]), [len(m) for m in means])
        y = np.concatenate(means)
        r = np.corrcoef(x, y)[0, 1]
        chance = np.mean([np.corrcoef(x, rng.permutation(y))[0, 1] >= r for _ in range(10_000)])
        said.append(f"{kind} {r:.2f} (one-sided p = {chance:.2g})")
    return f"Correlation of log2 of the number and a rule's mean score: {', '.join(said)}"


def wins(found: Comparison) -> str:
    """How probably agents of rules from hard levels beat those of rules from as many random ones."""
    said = []
    for pair, count in zip(zip(labels("hardest"), labels("random"), strict=True), COUNTS[SCALE.value], strict=True):
        p = aggregate.stratified_bootstrap(
            aggregate.probability_of_improvement,
            *(found.scores[label] for label in pair),
            rng=np.random.default_rng(0),
            clusters=[found.clusters[label] for label in pair],
        )
        said.append(f"{p.value:.2f} [{p.low:.2f}, {p.high:.2f}] of {count}")
    return f"P(hardest better than random): {', '.join(said)}"


def _draw(axes: Axes, values: Mapping[str, Interval[float]]) -> None:
    counts = COUNTS[SCALE.value]
    for kind, colour in (("random", GREY), ("hardest", BLUE)):
        chosen = [values[label] for label in labels(kind)]
        axes.plot(counts, [v.value for v in chosen], "o-", color=colour, ms=4, label=kind)
        axes.fill_between(counts, [v.low for v in chosen], [v.high for v in chosen], color=colour, alpha=0.2, lw=0)
    five = values["handcrafted"]
    axes.errorbar([5], [five.value], [[five.value - five.low], [five.high - five.value]], fmt="s", color=ORANGE, ms=5)
    axes.plot([], [], "s", color=ORANGE, label="handcrafted")
    axes.set_xscale("log", base=2)
    axes.set_xlabel("training levels", fontsize=8)


FIGURE = FigureScript("fig03_training_levels", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
