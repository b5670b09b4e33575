"""Figures 3 and 8: the statistics in the caption."""

import numpy as np

from figures.paper import fig03_training_levels as fig03
from tests._helpers.comparisons import made_up


def test_correlations_and_wins_are_those_of_made_up_scores():
    counts = fig03.COUNTS["laptop"]
    better = {f"{n} random": n / 1000 for n in counts}
    comparison = made_up({**better, "1 hardest": 1.0, "16 hardest": -1.0, "256 hardest": 0.256})
    x = np.repeat([0, 4, 8], 3)
    y = np.repeat([0.001, 0.016, 0.256], 3) + np.tile([-0.01, 0.0, 0.01], 3)
    sentence = fig03.correlations(comparison, counts)
    assert f"random {np.corrcoef(x, y)[0, 1]:.2f} (one-sided p = 0.0" in sentence
    assert "hardest -0." in sentence
    sentence = fig03.wins(comparison, counts)
    assert "1.00 [1.00, 1.00] of 1," in sentence
    assert "0.00 [0.00, 0.00] of 16," in sentence
    assert "0.50 [" in sentence
