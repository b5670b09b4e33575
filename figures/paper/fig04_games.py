"""Figures 1, 4 and 7: GROOVE against LPG on games.

    python figures/paper/fig04_games.py --scale laptop

The games are jumanji's (`arcade`) at laptop scale, and all of Atari's 57 at paper scale. The program draws three
pictures: aggregates (figure 4), the change from LPG to GROOVE on every game (figure 1), and learning curves (figure 7).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript, compared
from figures.pipeline.methods import groove_and_lpg
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.style import PANEL, finish, save_drawn
from groove.cli._main import run_program
from groove.envs.external.atari import ATARI_57
from groove.evaluation.comparisons.compare_plots import draw_aggregates, draw_learning_curves
from groove.evaluation.comparisons.comparison import Comparison
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Interval, stratified_bootstrap
from groove.utils.plotting import BLUE, INK, ORANGE, dress, new_figure

LABELS = ("groove", "lpg", "a2c", "random")
CLAIM = "Paper: of 57 Atari games GROOVE is better than LPG on 39, worse on 17; better IQM and optimality gap."


def tasks(scale: Scale) -> tuple[str, ...]:
    """Return Atari's 57 games at paper scale, otherwise jumanji's arcade games."""
    return tuple(f"atari/{game}" for game in ATARI_57) if scale.name == "paper" else ("arcade",)


def plan(scale: Scale) -> Plan:
    """Return the plan that trains and tests LPG with and without the curriculum of regret."""
    return groove_and_lpg(scale, tasks(scale))


def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
    """Draw the aggregates, the learning curves, and the change from LPG to GROOVE."""
    comparison = compared(cells, LABELS)
    save_drawn(draw_aggregates, comparison, path.with_name(f"{path.name}_aggregate"))
    save_drawn(draw_learning_curves, comparison, path.with_name(f"{path.name}_curves"))
    draw_change(comparison, path)


def draw_change(comparison: Comparison, path: Path) -> None:
    """Draw a bar for every game, the largest gain of GROOVE over LPG first."""
    gain = change(comparison)
    order = np.argsort(-gain.value)
    values, low, high = (np.asarray(end)[order] for end in gain)
    figure = new_figure(max(7.0, 0.3 * len(order) + 1.5), 3.8, dpi=140)
    axes = figure.subplots()
    axes.bar([comparison.scored[i] for i in order], values, color=[BLUE if value > 0 else ORANGE for value in values])
    axes.vlines(range(len(order)), low, high, color=INK, lw=1.2)
    axes.axhline(0.0, color=INK, lw=0.8)
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel("GROOVE - LPG, normalised by A2C", fontsize=8)
    dress(axes, "Change from LPG to GROOVE", **PANEL)
    finish(figure, comparison, path, CLAIM, "Difference of mean scores, of which random play is 0 and A2C is 1")


def change(comparison: Comparison) -> Interval[npt.NDArray[np.float64]]:
    """Return GROOVE's mean score minus LPG's, f64[tasks], with a bootstrap interval."""
    return stratified_bootstrap(
        lambda groove, lpg: groove.mean(-2) - lpg.mean(-2),
        *(comparison.scores[label] for label in LABELS[:2]),
        rng=np.random.default_rng(0),
        clusters=[comparison.clusters[label] for label in LABELS[:2]],
    )


FIGURE = FigureScript("fig04_games", "Draw figures 1, 4 and 7: GROOVE against LPG on games.", plan, draw)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
