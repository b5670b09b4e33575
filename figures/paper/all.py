"""Every figure: python figures/paper/all.py --scale smoke, or laptop, or paper; what figures share is done once."""

import sys
from pathlib import Path

from absl import app

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.paper import (
    fig03_training_levels,
    fig04_games,
    fig05_gridworld_profile,
    fig06_score_functions,
    fig10_antagonists,
    fig11_a2c_ppo,
    ta_lifetimes,
)
from figures.pipeline.figure import make


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
