"""Figures 1, 4 and 7: GROOVE against LPG on Atari and games like it: python figures/fig04_games.py --scale laptop.

At laptop scale the games are jumanji's (`arcade`), at paper scale all of Atari's 57. Three pictures: aggregates (figure
4), the change from LPG to GROOVE game by game (figure 1), learning curves (figure 7).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import app
from figure import SCALE, FigureScript, compared, drawn, dress, finish, groove_and_lpg
from matplotlib.figure import Figure
from plan import Plan

from groove.compare_report import draw_aggregates, draw_learning_curves
from groove.envs.atari import ATARI_57
from groove.report import BLUE, ORANGE
from groove.results import Cell

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
    change = {
        task: float(np.mean(found.scores["groove"][:, i]) - np.mean(found.scores["lpg"][:, i]))
        for i, task in enumerate(found.scored)
    }
    order = sorted(change, key=lambda task: -change[task])
    figure = Figure(figsize=(max(4.0, 0.3 * len(order) + 1.5), 3.4), dpi=140, layout="constrained")
    axes = figure.subplots()
    axes.bar(order, [change[t] for t in order], color=[BLUE if change[t] > 0 else ORANGE for t in order])
    axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel("GROOVE - LPG, normalised by A2C", fontsize=8)
    dress(axes, "Change from LPG to GROOVE")
    finish(figure, found, path, CLAIM)


FIGURE = FigureScript("fig04_games", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
