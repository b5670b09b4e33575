"""The bootstrap interval: by hand where there is no spread, paired, covering, and the same for the same generator."""

import numpy as np
import pytest

from groove.utils.bootstrap import ratio_of_means, ratio_over_runs


def test_without_spread_the_interval_is_the_ratio():
    result = ratio_of_means([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], np.random.default_rng(0))
    np.testing.assert_allclose(result, (0.5, 0.5, 0.5))


def test_the_ratio_is_of_means_not_the_mean_of_ratios():
    assert ratio_of_means([0.0, 3.0], [1.0, 1.0], np.random.default_rng(0)).value == 1.5
    assert ratio_of_means([1.0, 1.0], [1.0, 3.0], np.random.default_rng(0)).value == 0.5


def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        denominator = rng.gamma(4.0, size=40)
        numerator = 0.8 * denominator + rng.normal(0, 0.5, size=40)
        interval = ratio_of_means(numerator, denominator, rng, resamples=300)
        covered += interval.low <= 0.8 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_generator_decides():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 30))
    first, again, other = (ratio_of_means(a, b, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    with pytest.raises(ValueError, match="equally long"):
        ratio_of_means([1.0], [1.0, 2.0], rng)


def test_ratio_over_runs_averages_runs_and_widens_with_what_varies_between_them():
    rng = np.random.default_rng(0)
    b = rng.uniform(1, 2, 200)
    alike = [(0.8 * b, b), (0.8 * b, b)]
    interval = ratio_over_runs(alike, np.random.default_rng(1))
    np.testing.assert_allclose(interval, [0.8, 0.8, 0.8])
    apart = ratio_over_runs([(0.5 * b, b), (1.0 * b, b)], np.random.default_rng(1))
    np.testing.assert_allclose(apart, [0.75, 0.5, 1.0])
    one = ratio_over_runs([(rng.normal(1, 1, 200) * b, b)], np.random.default_rng(2))
    assert one.low < one.value < one.high
    with pytest.raises(ValueError, match="at least one run"):
        ratio_over_runs([], rng)
