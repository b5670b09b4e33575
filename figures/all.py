"""Every figure: python figures/all.py --scale smoke, or laptop, or paper; what figures share is done once."""

import fig03_training_levels
import fig04_games
import fig05_gridworld_profile
import fig06_score_functions
import fig10_antagonists
import fig11_a2c_ppo
from absl import app
from figure import make


def main(argv: list[str]) -> int:
    """Runs what is missing and draws."""
    del argv
    return make(
        fig11_a2c_ppo,
        fig05_gridworld_profile,
        fig06_score_functions,
        fig10_antagonists,
        fig03_training_levels,
        fig04_games,
    )


if __name__ == "__main__":
    app.run(main)
