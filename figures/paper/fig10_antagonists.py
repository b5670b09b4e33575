"""Figure 10: antagonists that regret is measured against, on MinAtar: python figures/paper/fig10_antagonists.py."""

import sys
from pathlib import Path

from absl import app

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import on_games

FIGURE = on_games(
    "fig10_antagonists",
    {
        "ar": "ar@varied",  # against A2C
        "against PPO": "ar@varied antagonists=ppo",
        "optimal": "optimal@varied",  # what antagonists=optimal comes to, and figure 6's already
        "against random play": "ar@varied antagonists=random",
    },
    "Paper: A2C (ar) is the best antagonist on all four games, then PPO.",
)

if __name__ == "__main__":
    app.run(FIGURE.main)
