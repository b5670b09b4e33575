"""Figure 10: antagonists that regret is measured against, on MinAtar: python figures/fig10_antagonists.py."""

from absl import app
from figure import on_games

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
