"""Bootstrap intervals: checked by hand and against SciPy, with coverage, and equal for equal generators."""

from functools import partial

import numpy as np
import pytest
import scipy.stats

from groove.evaluation.comparisons.aggregate import (
    iqm,
    mean,
    median,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from groove.utils import bootstrap
from groove.utils.bootstrap import Interval, ratio_of_means, ratio_over_runs, stratified_bootstrap

# three runs of four tasks, whose means are 1, 2, 5 and 20
SCORES = np.array([[0.0, 2.0, 4.0, 10.0], [1.0, 2.0, 5.0, 20.0], [2.0, 2.0, 6.0, 30.0]])
PROFILE = partial(performance_profile, thresholds=[0.0, 2.0, 9.0])
STATISTICS = {
    "mean": mean,
    "median": median,
    "iqm": iqm,
    "gap": partial(optimality_gap, target=3.0),
    "profile": PROFILE,
}
every_statistic = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS.keys())


def _generator(seed=0):
    return np.random.default_rng(seed)


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


def test_the_generator_decides_the_interval_of_a_ratio():
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


def test_the_order_of_runs_does_not_change_the_interval_and_that_of_tasks_only_its_noise():
    x = _generator().normal(np.arange(6), 1.0, size=(5, 6))
    interval = stratified_bootstrap(iqm, x, rng=_generator(1))
    np.testing.assert_allclose(stratified_bootstrap(iqm, x[[3, 1, 4, 0, 2]], rng=_generator(1)), interval, rtol=1e-12)
    other = stratified_bootstrap(iqm, x[:, ::-1], rng=_generator(1), resamples=20_000)
    np.testing.assert_allclose(other, stratified_bootstrap(iqm, x, rng=_generator(1), resamples=20_000), atol=0.02)


@every_statistic
def test_resamples_stay_in_their_task(statistic):
    constant = np.tile([1.0, 2.0, 5.0, 20.0], (3, 1))
    interval = stratified_bootstrap(statistic, constant, rng=_generator(), resamples=50)
    np.testing.assert_array_equal(interval.low, interval.value)
    np.testing.assert_array_equal(interval.high, interval.value)


def test_tasks_are_resampled_independently():
    # whole runs would cancel in every resample; independent tasks give -1, ..., 1 in 1, 4, 6, 4 and 1 of 16 cases
    mirrored = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert stratified_bootstrap(mean, mirrored, rng=_generator(), level=0.9) == (0.0, -1.0, 1.0)
    assert stratified_bootstrap(mean, mirrored, rng=_generator(), level=0.8) == (0.0, -0.5, 0.5)


def test_matrices_are_resampled_independently():
    x = _generator().normal(size=(4, 3))
    same = stratified_bootstrap(lambda a, b: mean(a) - mean(b), x, x, rng=_generator())
    assert same.low < same.value == 0 < same.high


def test_the_ends_are_the_quantiles_of_all_resamples():
    # four equally probable resamples of two runs: means 0, 1, 1 and 2
    interval = partial(stratified_bootstrap, mean, [[0.0], [2.0]])
    assert interval(rng=_generator(), level=0.6) == (1.0, 0.0, 2.0)
    assert interval(rng=_generator(), level=0.4) == (1.0, 1.0, 1.0)


def test_the_interval_of_a_mean_is_scipys():
    x = _generator().gamma(2.0, size=20)
    ours = stratified_bootstrap(mean, x[:, None], rng=_generator(1), resamples=20_000, level=0.9)
    args = {"method": "percentile", "n_resamples": 20_000, "confidence_level": 0.9, "rng": _generator(2)}
    theirs = scipy.stats.bootstrap((x,), np.mean, **args).confidence_interval
    width = theirs.high - theirs.low
    np.testing.assert_allclose(ours, (x.mean(), theirs.low, theirs.high), atol=0.03 * width)


def test_the_generator_decides():
    x = _generator().normal(size=(5, 7))
    first, again, other = (stratified_bootstrap(iqm, x, rng=_generator(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first.value == other.value
    rng = _generator(1)
    assert stratified_bootstrap(iqm, x, rng=rng) != stratified_bootstrap(iqm, x, rng=rng)


@pytest.mark.parametrize("chunk", [1, 35, 35 * 7, 35 * 100])
def test_chunks_bound_memory_and_change_nothing(chunk, monkeypatch):
    x, seen = _generator().normal(size=(5, 7)), []

    def statistic(drawn):
        seen.append(drawn.shape[:-2])
        return iqm(drawn)

    whole = stratified_bootstrap(statistic, x, rng=_generator(1), resamples=100)
    assert seen == [(), (100,)]
    monkeypatch.setattr(bootstrap, "CHUNK", chunk)
    assert stratified_bootstrap(statistic, x, rng=_generator(1), resamples=100) == whole
    sizes = [shape[0] for shape in seen[3:]]
    assert sum(sizes) == 100
    assert max(sizes) == max(1, chunk // 35)


def test_a_number_gives_floats_and_an_array_gives_arrays_of_its_shape():
    number = stratified_bootstrap(probability_of_improvement, SCORES, SCORES[:2] + 1, rng=_generator())
    assert isinstance(number, Interval)
    assert all(type(x) is float for x in number)
    band = stratified_bootstrap(PROFILE, SCORES, rng=_generator())
    assert [x.shape for x in band] == [(3,)] * 3
    assert (band.low <= band.value).all()
    assert (band.value <= band.high).all()
    assert (band.low < band.high).any()
    table = stratified_bootstrap(lambda x: np.stack([x.mean(-2), x.max(-2)], axis=-1), SCORES, rng=_generator())
    assert [x.shape for x in table] == [(4, 2)] * 3
    np.testing.assert_array_equal(table.value[:, 1], [2.0, 2.0, 6.0, 30.0])


def test_the_bootstrap_refuses_what_it_cannot_resample():
    for matrices in ([], [np.ones((2, 3, 4))], [SCORES, np.ones((2, 3, 4))]):
        with pytest.raises(ValueError, match="expected score matrices"):
            stratified_bootstrap(mean, *matrices, rng=_generator())
    with pytest.raises(ValueError, match="resamples"):
        stratified_bootstrap(mean, SCORES, rng=_generator(), resamples=0)
    for level in (-0.1, 95, np.nan):
        with pytest.raises(ValueError, match="level"):
            stratified_bootstrap(mean, SCORES, rng=_generator(), level=level)
    with pytest.raises(ValueError, match="Reduce axes -2 and -1"):
        stratified_bootstrap(lambda x: x.mean(axis=(0, 1)), SCORES, rng=_generator())


def test_clusters_are_drawn_whole_the_same_for_every_task():
    """A resample of two meta-seeds whose agents do not vary holds both, or one twice (probability 1/4 each)."""
    x = np.repeat([[0.0, 10.0], [2.0, 12.0]], 3, axis=0)
    apart = lambda m: m[..., 1].mean(-1) - m[..., 0].mean(-1)  # noqa: E731
    assert stratified_bootstrap(apart, x, rng=_generator(), clusters=[2]) == (10.0, 10.0, 10.0)
    drawn = stratified_bootstrap(mean, x, rng=_generator(), clusters=[2], level=0.95)
    assert drawn == (6.0, 5.0, 7.0)
    assert stratified_bootstrap(mean, x, rng=_generator(), clusters=[2], level=0.4) == (6.0, 6.0, 6.0)
    assert stratified_bootstrap(mean, x, rng=_generator(), clusters=[1])[2] < 7.0
    with pytest.raises(ValueError, match="do not divide the runs"):
        stratified_bootstrap(mean, x, rng=_generator(), clusters=[4])


def test_clustered_intervals_cover_as_wide_as_clusters_vary():
    """With standard deviations of 1 between 6 clusters and 0.1 within, the mean of 30 runs is as uncertain as of 6."""
    rng = _generator()
    x = np.repeat(rng.normal(size=(6, 1)), 5, axis=0) + 0.1 * rng.normal(size=(30, 1))
    flat, clustered = (stratified_bootstrap(mean, x, rng=_generator(), clusters=[g], resamples=4000) for g in (1, 6))
    assert 1.8 < (clustered.high - clustered.low) / (flat.high - flat.low) < 2.7  # sqrt(5) = 2.24
