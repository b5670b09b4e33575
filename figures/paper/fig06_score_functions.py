"""Figure 6: score functions of the curriculum, on MinAtar.

python figures/paper/fig06_score_functions.py --scale laptop
"""

import sys
from pathlib import Path

from absl import app

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import on_games

FIGURE = on_games(
    "fig06_score_functions",
    {
        "ar": "ar@varied",
        "uniform": "varied",
        "l1": "l1@varied",
        "pvl": "pvl@varied",
        "optimal": "optimal@varied",
        "relative": "relative@varied",  # ours
    },
    "Paper: algorithmic regret (ar) is best on all four games.",
)

if __name__ == "__main__":
    app.run(FIGURE.main)
