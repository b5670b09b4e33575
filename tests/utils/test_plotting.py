"""Pictures share one style, and equal pictures give equal files."""

import pytest

from groove.utils.plotting import GRID, INK, dress, new_figure, save_picture


def test_axes_get_the_titles_and_frames_of_the_project():
    axes = new_figure(3.0, 2.0).subplots()
    dress(axes, "Return")
    assert axes.get_title(loc="left") == "Return"
    assert not axes.spines["top"].get_visible()
    assert not axes.spines["right"].get_visible()
    assert axes.spines["left"].get_visible()
    assert {line.get_color() for line in axes.get_ygridlines()} == {GRID}
    assert all(label.get_color() == INK for label in axes.get_xticklabels())


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_equal_pictures_are_equal_files(tmp_path, suffix):
    for name in ("first", "second"):
        figure = new_figure(2.0, 2.0, dpi=50, pad=0.1)
        figure.subplots().plot([0, 1], [0, 1])
        save_picture(figure, tmp_path / f"{name}{suffix}")
    first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 500
