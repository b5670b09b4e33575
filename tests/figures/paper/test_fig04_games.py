"""Figure 1: the change from LPG to GROOVE."""

import numpy as np

from figures.paper import fig04_games as fig04
from tests._helpers.comparisons import made_up


def test_changes_are_those_of_made_up_scores():
    gain = fig04.change(made_up({"groove": 0.7, "lpg": 0.5}))
    np.testing.assert_allclose(gain.value, [0.2, 0.2])
    assert np.all((gain.low >= 0.18 - 1e-9) & (gain.low < 0.2))
    assert np.all((gain.high > 0.2) & (gain.high <= 0.22 + 1e-9))
