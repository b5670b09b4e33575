"""Heat maps by hand: which cells hold which levels, and their means."""

import numpy as np
import pytest

from groove.evaluation.failures.diagnosis_plots import FEWEST, draw_diagnosis, heat_map
from tests._helpers.diagnoses import N, diagnosis


def test_cells_by_hand():
    """Split the levels in halves by two features; the shortfall of level i is i."""
    half = np.repeat([1.0, 2.0], N // 2)
    other = np.where(np.arange(N) == 3, np.nan, np.tile([5.0, 7.0], N // 2))
    cells = heat_map(diagnosis(size=half, max_steps=other), "size", "max_steps")
    assert cells.levels.sum() == N - 1  # the level without the feature is in no cell
    assert (cells.rows.labels(), cells.columns.labels()) == (["1", "2"], ["5", "7"])
    low, high = (half == 1.0) & (other == 5.0), (half == 2.0) & (other == 7.0)
    np.testing.assert_allclose(cells.mean[0, 0], np.arange(N)[low].mean())
    np.testing.assert_allclose(cells.mean[-1, -1], np.arange(N)[high].mean())


def test_bins_hold_about_equally_many_levels_and_are_labelled_by_their_ends():
    cells = heat_map(diagnosis(size=np.arange(float(N)), max_steps=np.ones(N)), "size", "max_steps")
    assert cells.levels[:, 0].tolist() == [N / 4] * 4
    assert cells.rows.labels() == ["0 .. 9", "10 .. 19", "20 .. 29", "30 .. 39"]


def test_cells_of_few_levels_have_no_mean():
    rare = np.where(np.arange(N) < FEWEST - 1, 0.0, 1.0)
    cells = heat_map(diagnosis(size=rare, max_steps=np.ones(N)), "size", "max_steps")
    assert cells.levels.sum() == N
    assert np.isnan(cells.mean[cells.levels < FEWEST]).all()
    assert np.isfinite(cells.mean[cells.levels >= FEWEST]).all()


@pytest.mark.parametrize("features", [{}, {"size": np.arange(float(N)), "max_steps": np.full(N, np.nan)}])
def test_the_picture_is_drawn(features, tmp_path):
    draw_diagnosis(diagnosis(**features), tmp_path / "maps.png")
    assert (tmp_path / "maps.png").read_bytes()[:4] == b"\x89PNG"
