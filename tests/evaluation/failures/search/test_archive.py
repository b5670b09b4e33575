"""The archive and its axes, by hand."""

import numpy as np
import pytest

from groove.evaluation.failures.search.archive import Archive
from groove.evaluation.failures.search.axes import Axis, check_features, make_axes
from groove.utils.errors import ConfigError, MissingExtraError

AXES = (Axis("a", np.array([1.0, 2.0])), Axis("b", np.array([10.0])))  # 3 x 2 cells


def offer(archive, *rows):
    """Offer levels (number, regret, cell)."""
    numbers, regret, cells = zip(*rows, strict=True)
    archive.add(np.array(numbers), np.array(regret, float), np.array(cells))


def test_a_level_takes_an_empty_cell_and_a_better_one_takes_its_place():
    archive = Archive(AXES)
    offer(archive, (0, 0.5, (0, 0)), (1, -1.0, (2, 1)))
    assert (archive.elites.tolist(), archive.coverage, archive.quality, archive.cells) == ([0, 1], 2, 0.5, 6)
    offer(archive, (2, 0.4, (0, 0)), (3, 0.6, (2, 1)))  # worse; better
    assert (archive.elites.tolist(), archive.quality) == ([0, 3], pytest.approx(1.1))


def test_the_best_of_a_batch_takes_the_cell():
    archive = Archive(AXES)
    offer(archive, (0, 1.0, (1, 0)), (1, 3.0, (1, 0)), (2, 2.0, (1, 0)))
    assert archive.elites.tolist() == [1]


def test_a_level_whose_feature_is_undefined_is_in_no_cell():
    archive = Archive(AXES)
    offer(archive, (0, 9.0, (-1, 0)), (1, 9.0, (0, -1)))
    assert (archive.coverage, archive.quality, archive.elites.tolist()) == (0, 0.0, [])


def test_every_cell_is_a_place_of_its_own():
    archive = Archive(AXES)
    cells = [(i, j) for i in range(3) for j in range(2)]
    offer(archive, *[(n, float(n), cell) for n, cell in enumerate(cells)])
    assert archive.elites.tolist() == list(range(6))  # by cell


def test_ranges_are_open_at_both_ends_and_hold_their_lower_edge():
    axis = Axis("a", np.array([1.0, 2.0]))
    assert axis.ranges(np.array([-5.0, 0.99, 1.0, 1.5, 2.0, 99.0, np.nan])).tolist() == [0, 0, 1, 1, 2, 2, -1]
    assert axis.labels() == ["< 1", "1 .. 2", ">= 2"]
    assert Axis("a", np.array([1.0, 2.0, 5.0]), whole=True).labels() == ["< 1", "1", "2 .. 4", ">= 5"]
    assert (len(axis), Axis("a", np.array([])).labels()) == (3, ["all"])


def test_axes_are_even_on_a_logarithmic_scale_and_whole_numbers_have_whole_edges():
    features = {"x": np.array([-np.expm1(1.0), 0.0, np.expm1(3.0), np.nan]), "n": np.array([1.0, 2.0, 3.0])}
    x, n = make_axes(["x", "n"], features, 4)
    np.testing.assert_allclose(x.edges, [0.0, np.expm1(1.0), np.expm1(2.0)], atol=1e-12)
    assert (n.edges.tolist(), n.whole) == ([2.0, 3.0], True)  # log(2), log(4) and three edges between, rounded up


def test_features_that_make_no_grid_are_refused():
    for names, said in [
        (["a", "c"], 'unknown feature "c"'),
        (["a", "a"], "two different features"),
        (["a"], "must be"),
    ]:
        with pytest.raises(ConfigError, match=said):
            check_features(names, ["a", "b"])
    with pytest.raises(ConfigError, match="b is the same on all random levels"):
        make_axes(["a", "b"], {"a": np.arange(3.0), "b": np.full(3, 7.0)}, 4)


def test_without_ribs_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ribs.archives", None)
    with pytest.raises(MissingExtraError, match=r"groove-rl\[search\]"):
        Archive(AXES)
