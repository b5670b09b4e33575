"""The comparison of searches: numbers by hand, and a picture."""

import numpy as np
import pytest

from figures.analysis.level_search import draw, in_common, summarised
from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.elites import Failures

AXES = (Axis("a", np.array([1.0, 2.0])), Axis("b", np.array([1.0, 2.0])))


def failures(cells, regret):
    """Return elites of these cells and regrets, which were half as large again when they were found."""
    regret = np.asarray(regret, float)
    returns = np.stack([np.zeros_like(regret), regret])
    curve = np.arange(1, 3)
    return Failures(
        None, np.asarray(cells), 1.5 * regret, returns, ["mine", "a2c"], AXES, curve, 2.0 * curve, 10 * curve, {}
    )


def test_common_cells_are_those_in_which_both_have_elites():
    a = failures([(0, 0), (0, 1), (2, 2)], [1.0, 2.0, 9.0])
    b = failures([(0, 1), (0, 0), (1, 1)], [0.5, 0.5, 0.5])
    assert (in_common(a, b), in_common(b, a)) == (1.5, 0.5)


def test_numbers_by_hand_and_their_picture(tmp_path):
    a, b = failures([(0, 0), (0, 1)], [3.0, -1.0]), failures([(0, 1)], [0.5])
    numbers = {"archive": summarised([a], [b]), "random": summarised([b], [b])}
    assert numbers["archive"] == {
        "cells": [2],
        "regret": [1.0],
        "regret_when_found": [1.5],
        "quality": [3.0],
        "regret_in_common_cells": [-1.0],
        "evaluated": [10, 20],
        "quality_when_found": [[2.0, 4.0]],
    }
    assert numbers["random"]["regret_in_common_cells"] == [pytest.approx(0.5)]
    draw(numbers, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5_000
