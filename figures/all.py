"""Every figure: python figures/all.py --scale smoke, or laptop, or paper; what figures share is done once."""

import fig03_training_levels
import fig04_games
import fig05_gridworld_profile
import fig06_score_functions
import fig10_antagonists
import fig11_a2c_ppo
import ta_lifetimes
from absl import app
from figure import make


def main(argv: list[str]) -> int:
    """Runs what is missing and draws."""
    del argv
    return make(
        fig11_a2c_ppo.FIGURE,
        fig05_gridworld_profile.FIGURE,
        fig06_score_functions.FIGURE,
        fig10_antagonists.FIGURE,
        fig03_training_levels.FIGURE,
        fig04_games.FIGURE,
        ta_lifetimes.FIGURE,
    )


if __name__ == "__main__":
    app.run(main)
