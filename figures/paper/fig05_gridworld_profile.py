"""Figure 5: performance profile on unseen gridworlds.

python figures/paper/fig05_gridworld_profile.py --scale laptop
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import FigureScript, compared, drawn, groove_and_lpg
from figures.pipeline.plan import Plan
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
