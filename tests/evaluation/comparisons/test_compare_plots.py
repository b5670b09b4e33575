"""Pictures of comparisons: the colours of rules, and files that show every rule."""

import numpy as np
import pytest
from matplotlib.image import imread

from groove.evaluation.comparisons.compare_plots import (
    REFERENCES,
    colours,
    draw_aggregates,
    draw_learning_curves,
    draw_profile,
)
from groove.evaluation.comparisons.comparison import compare_cells
from groove.utils.plotting import BLUE, ORANGE
from tests._helpers.cells import three_rules


def _has_colour(picture, colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return (np.abs(picture[..., :3] - rgb).max(-1) < 0.02).any()


def test_references_are_grey_and_other_rules_differ():
    palette = colours(["first", "a2c", "second", "random"])
    assert palette == {"first": BLUE, "a2c": REFERENCES["a2c"], "second": ORANGE, "random": REFERENCES["random"]}


@pytest.mark.parametrize("draw", [draw_learning_curves, draw_aggregates, draw_profile])
def test_every_picture_shows_the_rule(draw, tmp_path):
    comparison = compare_cells([*three_rules("s/a", [[1.0, 2.0]]), *three_rules("s/b", [[5.0, 4.0]], 3.0, 7.0)])
    draw(comparison, tmp_path / "picture.png")
    assert _has_colour(imread(tmp_path / "picture.png"), BLUE)
