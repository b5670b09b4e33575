"""The axes of archives: their ranges by hand, and features that make no grid."""

import numpy as np
import pytest

from groove.envs.level_axes import Axis, check_features, make_axes
from groove.utils.errors import ConfigError


def test_ranges_are_open_at_both_ends_and_hold_their_lower_edge():
    axis = Axis("a", np.array([1.0, 2.0]))
    assert axis.ranges(np.array([-5.0, 0.99, 1.0, 1.5, 2.0, 99.0, np.nan])).tolist() == [0, 0, 1, 1, 2, 2, -1]
    assert axis.labels() == ["< 1", "1 .. 2", ">= 2"]
    assert Axis("a", np.array([1.0, 2.0, 5.0]), whole=True).labels() == ["< 1", "1", "2 .. 4", ">= 5"]
    assert (len(axis), Axis("a", np.array([])).labels()) == (3, ["all"])


def test_axes_are_even_on_a_logarithmic_scale_and_whole_numbers_have_whole_edges():
    features = {"x": np.array([-np.expm1(1.0), 0.0, np.expm1(3.0), np.nan]), "n": np.array([1.0, 2.0, 3.0])}
    x, n = make_axes(["x", "n"], features, 4, "--axes")
    np.testing.assert_allclose(x.edges, [0.0, np.expm1(1.0), np.expm1(2.0)], atol=1e-12)
    assert (n.edges.tolist(), n.whole) == ([2.0, 3.0], True)  # log(2), log(4) and three edges between, rounded up


def test_features_that_make_no_grid_are_refused():
    for names, said in [
        (["a", "c"], r'unknown feature in archive\.axes "c"'),
        (["a", "a"], "two different features"),
        (["a"], "must be"),
    ]:
        with pytest.raises(ConfigError, match=said):
            check_features(names, ["a", "b"], "archive.axes")
    with pytest.raises(ConfigError, match=r"archive\.axes: b is the same on all random levels"):
        make_axes(["a", "b"], {"a": np.arange(3.0), "b": np.full(3, 7.0)}, 4, "archive.axes")
