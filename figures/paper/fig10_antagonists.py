"""Figure 10: antagonists that define regret, tested on MinAtar.

python figures/paper/fig10_antagonists.py --scale laptop
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.methods import on_games
from groove.cli._main import run_program

FIGURE = on_games(
    "fig10_antagonists",
    "Draw figure 10: antagonists that define regret, tested on MinAtar.",
    {
        "ar": ("ar@varied",),  # against A2C
        "against PPO": ("ar@varied", "antagonists=ppo"),
        "optimal": ("optimal@varied",),  # the same rule as antagonists=optimal; figure 6 needs it too
        "against random play": ("ar@varied", "antagonists=random"),
    },
    "Paper: A2C (ar) is the best antagonist on all four games, then PPO.",
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
