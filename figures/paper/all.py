"""Every figure of the paper in one program, which does shared work once.

python figures/paper/all.py --scale smoke
"""

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript, program
from groove.cli._main import run_program

FIGURES = (  # modules of this folder, in the order in which their work is done
    "fig11_a2c_ppo",
    "fig05_gridworld_profile",
    "fig06_score_functions",
    "fig10_antagonists",
    "fig03_training_levels",
    "fig04_games",
    "ta_lifetimes",
)


def load() -> list[FigureScript]:
    """Import the figures."""
    return [importlib.import_module(f"figures.paper.{name}").FIGURE for name in FIGURES]


PROGRAM = program(load, "Draw every figure of the paper; work that several figures need is done once.")

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
