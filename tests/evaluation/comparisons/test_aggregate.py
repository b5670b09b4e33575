"""Statistics of runs x tasks: checked by hand and against SciPy."""

from functools import partial

import numpy as np
import pytest
import scipy.stats

from groove.evaluation.comparisons.aggregate import (
    comparable,
    iqm,
    mean,
    median,
    normalise,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    task_intervals,
)
from groove.utils.bootstrap import stratified_bootstrap

# three runs of four tasks, whose means are 1, 2, 5 and 20
SCORES = np.array([[0.0, 2.0, 4.0, 10.0], [1.0, 2.0, 5.0, 20.0], [2.0, 2.0, 6.0, 30.0]])
STATISTICS = {
    "mean": mean,
    "median": median,
    "iqm": iqm,
    "gap": partial(optimality_gap, target=3.0),
    "profile": partial(performance_profile, thresholds=[0.0, 2.0, 9.0]),
}
every_statistic = pytest.mark.parametrize("statistic", STATISTICS.values(), ids=STATISTICS.keys())


def _generator(seed=0):
    return np.random.default_rng(seed)


def test_mean_and_median_are_of_the_means_of_tasks():
    assert mean(SCORES) == 7.0
    assert median(SCORES) == 3.5  # of 1, 2, 5, 20: halfway between the middle two
    assert median(SCORES[:, :3]) == 2.0
    assert median([[0.0, 0.0, 9.0], [0.0, 9.0, 0.0], [9.0, 0.0, 0.0]]) == 3.0  # where the median of all scores is 0


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[7.0]], 7.0),
        ([[1.0, 9.0, 2.0]], 4.0),  # 3 // 4 = 0 are cut from each end
        ([[100.0, 1.0], [2.0, -100.0]], 1.5),  # 1 of 4: of 1 and 2
        ([[0.0, 1.0, 3.0], [50.0, -50.0, 5.0]], 2.25),  # 1 of 6: of 0, 1, 3 and 5
        ([[0.0, 1.0, 2.0, 6.0, 50.0, -50.0, 4.0]], 2.6),  # 1 of 7: of 0, 1, 2, 4 and 6
        ([[0.0, 8.0, 1.0, 8.0], [1.0, 8.0, 1.0, 0.0]], 2.75),  # 2 of 8, ties cut as others: of 1, 1, 1 and 8
        (SCORES, 21 / 6),  # 3 of 12: of 2, 2, 2, 4, 5 and 6
    ],
)
def test_the_interquartile_mean_drops_a_quarter_at_each_end_rounded_down(scores, expected):
    np.testing.assert_allclose(iqm(scores), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (3, 3), (4, 4), (5, 7), (10, 26)])
def test_the_interquartile_mean_is_scipys_trimmed_mean(shape):
    x = _generator(3).integers(-5, 6, size=shape).astype(float) ** 3  # with ties, and skewed by outliers
    np.testing.assert_allclose(iqm(x), scipy.stats.trim_mean(x, 0.25, axis=None), rtol=1e-12)


def test_the_optimality_gap_counts_what_is_missing_and_no_more():
    np.testing.assert_allclose(optimality_gap([[0.25, 5.0], [1.0, -0.25]]), (0.75 + 0 + 0 + 1.25) / 4)
    np.testing.assert_allclose(optimality_gap(SCORES, target=3.0), (3 + 1 + 2 + 1 + 1 + 1) / 12)


def test_the_profile_is_the_share_strictly_above_each_threshold():
    profile = performance_profile(SCORES, [2.0, -1.0, 1.5, 30.0, 9.0])
    np.testing.assert_allclose(profile, [6 / 12, 1.0, 10 / 12, 0.0, 3 / 12])  # four scores are 2: not above it
    assert performance_profile(SCORES, []).shape == (0,)


def test_the_probability_of_improvement_counts_pairs_and_a_tie_as_half():
    x = np.array([[1.0, 5.0], [2.0, 5.0]])
    y = np.array([[0.0, 5.0], [1.0, 5.0], [3.0, 5.0]])
    first = (1 + 0.5 + 0 + 1 + 1 + 0) / 6  # 1 against 0, 1, 3; then 2
    np.testing.assert_allclose(probability_of_improvement(x, y), (first + 0.5) / 2)
    np.testing.assert_allclose(probability_of_improvement(y, x), 1 - (first + 0.5) / 2)
    assert probability_of_improvement(y + 9, x) == 1.0
    assert probability_of_improvement(x, x) == 0.5


def test_the_probability_of_improvement_is_the_share_of_mann_whitneys_u():
    rng = _generator(4)
    x, y = rng.integers(0, 4, (6, 9)), rng.integers(0, 4, (4, 9))
    u = scipy.stats.mannwhitneyu(x, y, axis=0).statistic
    np.testing.assert_allclose(probability_of_improvement(x, y), (u / 24).mean(), rtol=1e-12)


@every_statistic
def test_statistics_act_on_the_last_two_axes(statistic):
    batch = _generator().normal(2, 3, size=(2, 3, 5, 4))
    one_by_one = np.array([[statistic(x) for x in row] for row in batch])
    np.testing.assert_allclose(statistic(batch), one_by_one, rtol=1e-12)
    assert np.ptp(one_by_one, axis=(0, 1)).max() > 0


def test_the_probability_of_improvement_acts_on_the_last_two_axes():
    x, y = _generator().normal(size=(2, 3, 5, 4)), _generator(1).normal(size=(2, 3, 2, 4))
    one_by_one = [[probability_of_improvement(x[i, j], y[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(probability_of_improvement(x, y), one_by_one, rtol=1e-12)


@every_statistic
def test_the_order_of_runs_and_tasks_changes_no_statistic(statistic):
    shuffled = _generator(2).permuted(SCORES, axis=0)[:, [2, 0, 3, 1]]  # runs of each task in an order of their own
    np.testing.assert_allclose(statistic(shuffled), statistic(SCORES), rtol=1e-12)


def test_intervals_cover_about_as_often_as_they_say():
    rng = _generator()
    low, high = task_intervals(rng.normal(3.0, 2.0, size=(20, 600)), rng, resamples=500)[1:]
    assert 0.90 <= ((low <= 3.0) & (high >= 3.0)).mean() <= 0.965
    inner = task_intervals(rng.normal(3.0, 2.0, size=(20, 600)), rng, level=0.5, resamples=500)
    assert 0.42 <= ((inner.low <= 3.0) & (inner.high >= 3.0)).mean() <= 0.55


def test_intervals_of_tasks_are_those_of_each_task_alone():
    skewed = SCORES.copy()
    skewed[0, 2] = 1.0  # or a median would do
    result = task_intervals(skewed, _generator())
    np.testing.assert_allclose(result.value, [1.0, 2.0, 4.0, 20.0])
    # of three runs, 1 in 27 resamples is all lowest: more than the 2.5 % of the tail
    np.testing.assert_allclose(result.low, [0.0, 2.0, 1.0, 10.0])
    np.testing.assert_allclose(result.high, [2.0, 2.0, 6.0, 30.0])


@pytest.mark.parametrize("others", [1, 5])
def test_one_run_tells_nothing_about_seeds(others):
    one, few = SCORES[:1], _generator().normal(size=(others, 4))
    for x, y in [(one, few), (few, one)]:
        interval = stratified_bootstrap(probability_of_improvement, x, y, rng=_generator())
        assert interval.value == probability_of_improvement(x, y)
        assert np.isnan(interval[1:]).all()
    result = task_intervals(one, _generator())
    np.testing.assert_array_equal(result.value, SCORES[0])
    np.testing.assert_array_equal(result[1:], np.full((2, 4), np.nan))


def test_normalised_scores_are_0_at_low_and_1_at_high():
    low, high = [0.0, 1.0, 4.0, -10.0], [2.0, 5.0, 6.0, 10.0]
    expected = [[0.0, 0.25, 0.0, 1.0], [0.5, 0.25, 0.5, 1.5], [1.0, 0.25, 1.0, 2.0]]
    np.testing.assert_allclose(normalise(SCORES, low, high), expected)
    np.testing.assert_allclose(normalise(np.stack([SCORES, SCORES + 1]), low, high)[0], expected)


def test_tasks_that_do_not_tell_references_apart_are_refused_by_index():
    low, high = np.array([0.0, 1.0, 4.0, 3.0]), np.array([2.0, 1.0, 4.5, -3.0])
    with pytest.raises(ValueError, match=r"tasks \[1, 3\]: leave them out"):
        normalise(SCORES, low, high)
    with pytest.raises(ValueError, match=r"tasks \[1\]"):
        normalise(SCORES[:, :3], low[:3], high[:3])
    np.testing.assert_array_equal(comparable(low, high, 0.0), [True, False, True, False])
    np.testing.assert_array_equal(comparable(low, high, 0.5), [True, False, False, False])  # more than the margin
    kept = comparable(low, high, 0.0)
    np.testing.assert_allclose(normalise(SCORES[:, kept], low[kept], high[kept])[0], [0.0, 0.0])


@every_statistic
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused_with_the_cure(statistic, bad):
    broken = np.where(np.arange(4) == 2, bad, SCORES)
    for call in (
        lambda: statistic(broken),
        lambda: stratified_bootstrap(statistic, broken, rng=_generator()),
        lambda: probability_of_improvement(SCORES, broken),
        lambda: probability_of_improvement(broken, SCORES),
        lambda: normalise(broken, np.zeros(4), np.ones(4)),
        lambda: normalise(SCORES, broken[0], np.full(4, 99.0)),
        lambda: comparable(np.zeros(4), broken[0], 0.0),
    ):
        with pytest.raises(ValueError, match=r"tasks \[2\]\. Leave those tasks out"):
            call()


@every_statistic
@pytest.mark.parametrize("scores", [3.0, [1.0, 2.0], np.ones((0, 3)), np.ones((3, 0))])
def test_wrong_ranks_and_empty_scores_are_refused(statistic, scores):
    for call in (
        lambda: statistic(scores),
        lambda: stratified_bootstrap(statistic, scores, rng=_generator()),
        lambda: probability_of_improvement(scores, np.ones((2, 2))),
    ):
        with pytest.raises(ValueError, match=r"expected scores f\[\.\.\., runs, tasks\]"):
            call()


def test_different_tasks_are_refused():
    with pytest.raises(ValueError, match=r"\[4, 3\] tasks"):
        probability_of_improvement(SCORES, SCORES[:, :3])
    with pytest.raises(ValueError, match=r"\[4, 1\] tasks"):  # which would broadcast
        probability_of_improvement(SCORES, SCORES[:, :1])
    with pytest.raises(ValueError, match=r"\[3, 4\] tasks"):
        stratified_bootstrap(lambda x, y: mean(x) - mean(y), SCORES[:, :3], SCORES, rng=_generator())
    with pytest.raises(ValueError, match="each of 4 tasks, got 1"):
        normalise(SCORES, [0.0], [1.0])


def test_references_thresholds_and_margins_are_checked():
    for low, high in [(0.0, 1.0), ([0.0], [1.0, 2.0]), (np.zeros((1, 4)), np.ones((1, 4)))]:
        with pytest.raises(ValueError, match="expected low and high"):
            normalise(SCORES, low, high)
        with pytest.raises(ValueError, match="expected low and high"):
            comparable(low, high, 0.0)
    for margin in (-0.1, np.nan):
        with pytest.raises(ValueError, match="margin"):
            comparable([0.0], [1.0], margin)
    for thresholds in (1.0, [[1.0]], [np.nan]):
        with pytest.raises(ValueError, match="thresholds"):
            performance_profile(SCORES, thresholds)
