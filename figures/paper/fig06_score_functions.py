"""Figure 6: score functions of the curriculum, tested on MinAtar.

python figures/paper/fig06_score_functions.py --scale laptop
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.methods import on_games
from groove.cli._main import run_program

FIGURE = on_games(
    "fig06_score_functions",
    "Draw figure 6: score functions of the curriculum, tested on MinAtar.",
    {
        "ar": ("ar@varied",),
        "uniform": ("varied",),
        "l1": ("l1@varied",),
        "pvl": ("pvl@varied",),
        "optimal": ("optimal@varied",),
        "relative": ("relative@varied",),  # not in the paper
    },
    "Paper: algorithmic regret (ar) is best on all four games.",
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
