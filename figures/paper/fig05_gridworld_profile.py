"""Figure 5: performance profiles of GROOVE and LPG on unseen gridworlds.

python figures/paper/fig05_gridworld_profile.py --scale laptop
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript, compared
from figures.pipeline.methods import groove_and_lpg
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.style import save_drawn
from groove.cli._main import run_program
from groove.evaluation.comparisons.compare_plots import draw_profile
from groove.evaluation.results import Cell

LABELS = ("groove", "lpg", "a2c", "random")


def plan(scale: Scale) -> Plan:
    """Return the plan that trains and tests LPG with and without the curriculum of regret."""
    return groove_and_lpg(scale, ("gridworld/random",))


def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
    """Draw the share of levels and agents above each A2C-normalised return."""
    save_drawn(draw_profile, compared(cells, LABELS), path)


FIGURE = FigureScript(
    "fig05_gridworld_profile",
    "Draw figure 5: performance profiles on unseen gridworlds.",
    plan,
    draw,
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
