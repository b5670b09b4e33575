"""Figures 1, 4 and 7: GROOVE against LPG on Atari and games like it.

    python figures/paper/fig04_games.py --scale laptop

At laptop scale the games are jumanji's (`arcade`), at paper scale all of Atari's 57. Three pictures: aggregates (figure
4), the change from LPG to GROOVE game by game (figure 1), learning curves (figure 7).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from absl import app
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import SCALE, FigureScript, compared, drawn, dress, finish, groove_and_lpg
from figures.pipeline.plan import Plan
from groove.envs.external.atari import ATARI_57
from groove.evaluation import aggregate
from groove.evaluation.compare import Comparison
from groove.evaluation.compare_plots import draw_aggregates, draw_learning_curves
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Interval
from groove.utils.plotting import BLUE, INK, ORANGE

LABELS = ("groove", "lpg", "a2c", "random")
CLAIM = "Paper: of 57 Atari games GROOVE is better than LPG on 39, worse on 17; better IQM and optimality gap."


def tasks() -> tuple[str, ...]:
    """What agents play at this scale."""
    return tuple(f"atari/{game}" for game in ATARI_57) if SCALE.value == "paper" else ("arcade",)


def plan() -> Plan:
    """LPG with and without the curriculum of regret."""
    return groove_and_lpg(tasks())


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Three pictures."""
    found = compared(cells, LABELS)
    drawn(draw_aggregates, found, path.with_name(f"{path.name}_aggregate"))
    drawn(draw_learning_curves, found, path.with_name(f"{path.name}_curves"))
    gained = change(found)
    order = np.argsort(-gained.value)
    values, low, high = (np.asarray(end)[order] for end in gained)
    figure = Figure(figsize=(max(7.0, 0.3 * len(order) + 1.5), 3.8), dpi=140, layout="constrained")
    axes = figure.subplots()
    axes.bar([found.scored[i] for i in order], values, color=[BLUE if value > 0 else ORANGE for value in values])
    axes.vlines(range(len(order)), low, high, color=INK, lw=1.2)
    axes.axhline(0.0, color=INK, lw=0.8)
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel("GROOVE - LPG, normalised by A2C", fontsize=8)
    dress(axes, "Change from LPG to GROOVE")
    finish(figure, found, path, CLAIM, "Difference of mean scores, of which random play is 0 and A2C is 1")


def change(found: Comparison) -> Interval[npt.NDArray[np.float64]]:
    """GROOVE's mean score less LPG's, f64[tasks] each, with an interval."""
    return aggregate.stratified_bootstrap(
        lambda groove, lpg: groove.mean(-2) - lpg.mean(-2),
        *(found.scores[label] for label in LABELS[:2]),
        rng=np.random.default_rng(0),
        clusters=[found.clusters[label] for label in LABELS[:2]],
    )


FIGURE = FigureScript("fig04_games", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
