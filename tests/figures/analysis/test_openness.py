"""The table of openness: stored numbers give the same table and picture."""

import json

import numpy as np

from figures.analysis.openness import restored, table
from groove.evaluation.openness.openness import Openness
from groove.evaluation.openness.plots import draw_openness
from groove.utils.bootstrap import Interval
from groove.utils.io import to_json

ERROR = np.array([[np.nan, 0.5, 0.75, 1.5], [np.nan, np.nan, 0.5, 1.0], [np.nan, np.nan, np.nan, 0.25]])
FOUND = Openness(400, np.array([5, 10, 15, 20]), ERROR, Interval(1.0, 0.5, 1.5), Interval(0.25, -0.125, 0.5))


def test_stored_numbers_give_the_same_table_and_picture(tmp_path):
    runs = {"a": {"regret": FOUND}, "b": {"regret": FOUND, "antagonist's return": FOUND}}
    stored = json.loads(
        json.dumps({run: to_json({k: vars(x) for k, x in kinds.items()}) for run, kinds in runs.items()})
    )
    again = restored(stored)
    np.testing.assert_array_equal(again["a"]["regret"].error, ERROR)
    assert table(again) == table(runs)
    line = "| a | regret | 400 | +1.00 [+0.50, +1.50] | +0.25 [-0.12, +0.50] | novel, not learnable |"
    assert line in table(runs)
    for name, drawn in {"first": runs, "second": again}.items():
        draw_openness(drawn, tmp_path / f"{name}.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
