"""Figure 5: performance profile on unseen gridworlds: python figures/fig05_gridworld_profile.py --scale laptop."""

from collections.abc import Sequence
from pathlib import Path

from absl import app
from figure import FigureScript, compared, drawn, groove_and_lpg
from plan import Plan

from groove.evaluation.compare_plots import draw_profile
from groove.evaluation.results import Cell

LABELS = ("groove", "lpg", "a2c", "random")


def plan() -> Plan:
    """LPG with and without the curriculum of regret."""
    return groove_and_lpg(("gridworld/random",))


def draw(cells: Sequence[Cell], path: Path) -> None:
    """The share of levels and agents above each A2C-normalised return."""
    drawn(draw_profile, compared(cells, LABELS), path)


FIGURE = FigureScript("fig05_gridworld_profile", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
