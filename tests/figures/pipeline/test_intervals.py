"""Student's intervals, by hand from the quantiles of the t-distribution."""

import numpy as np
import pytest

from figures.pipeline.intervals import of_difference, of_mean, shown
from groove.utils.bootstrap import Interval

T_2, T_4 = 4.302653, 2.776445  # 0.975 quantiles for 2 and 4 degrees of freedom


def test_a_mean_has_students_interval():
    # standard deviation 1, so a standard error of 1 / sqrt(3)
    np.testing.assert_allclose(of_mean([1.0, 2.0, 3.0]), (2.0, 2 - T_2 / 3**0.5, 2 + T_2 / 3**0.5), rtol=1e-6)


def test_a_difference_has_welchs_interval():
    # equal variances and sizes: 4 degrees of freedom, and a standard error of sqrt(2 / 3)
    half = T_4 * (2 / 3) ** 0.5
    np.testing.assert_allclose(of_difference([5.0, 6.0, 7.0], [1.0, 2.0, 3.0]), (4.0, 4 - half, 4 + half), rtol=1e-6)


def test_one_value_has_no_interval():
    assert of_mean([0.5]).value == 0.5
    assert of_difference([0.5], [0.25, 0.25]).value == 0.25
    assert np.isnan([of_mean([0.5]).low, of_difference([0.5], [0.25, 0.25]).high]).all()


@pytest.mark.parametrize(
    ("interval", "text"), [(Interval(0.5, 0.25, 0.754), "0.50 [0.25, 0.75]"), (Interval(0.5, np.nan, np.nan), "0.50")]
)
def test_intervals_as_text(interval, text):
    assert shown(interval) == text
