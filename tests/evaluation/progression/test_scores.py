"""Progression by hand: scores, clipping, standard errors over meta-seeds, and their propagation."""

import math

import numpy as np
import pytest
import scipy.stats

from groove.evaluation.progression.scores import combine, mean_and_error, student_quantile, task_score


def test_the_score_of_meta_seeds_by_hand():
    """Meta-seeds with means 3, 5 and 7 between random = 1 and best = 9 score 1/4, 1/2 and 3/4."""
    score = task_score([[2.0, 4.0], [5.0, 5.0], [6.0, 8.0]], random=1.0, best=9.0)
    assert score.value == score.unclipped == 0.5
    np.testing.assert_allclose(score.standard_error, 0.25 / math.sqrt(3))  # sd of 1/4, 1/2, 3/4 is 1/4
    assert (score.freedom, score.meta_seeds, score.agents, score.tasks) == (2, 3, 2, 1)
    half = 4.302652729911275 * 0.25 / math.sqrt(3)  # t quantile of 97.5 % at 2 degrees of freedom
    np.testing.assert_allclose(score.interval(), (0.5, 0.5 - half, 0.5 + half))


def test_a_single_meta_seed_has_the_error_of_its_agents():
    score = task_score([[3.0, 5.0, 7.0]], random=1.0, best=9.0)
    np.testing.assert_allclose(score.standard_error, 0.25 / math.sqrt(3))
    assert (score.meta_seeds, score.agents, score.freedom) == (1, 3, 2)


def test_a_single_run_has_no_interval():
    score = task_score([[3.0]], random=1.0, best=9.0)
    assert score.value == 0.25
    assert np.isnan([score.standard_error, *score.interval()[1:]]).all()
    assert np.isnan(combine([score, task_score([[1.0, 2.0]], 0.0, 4.0)], [0.5, 0.5]).interval().low)


@pytest.mark.parametrize(("returns", "value"), [([-3.0, -1.0], 0.0), ([11.0, 13.0], 1.0)])
def test_scores_are_clipped_after_averaging_and_keep_their_error(returns, value):
    score = task_score([returns], random=0.0, best=10.0)
    assert score.clipped
    assert (score.value, score.unclipped) == (value, np.mean(returns) / 10)
    np.testing.assert_allclose(score.standard_error, 0.1)  # sd sqrt 2 over sqrt 2 runs, in tenths
    inside = task_score([[-5.0, 5.0, 15.0]], random=0.0, best=10.0)
    assert inside.value == 0.5, "agents are averaged before clipping"
    assert not inside.clipped


def test_the_unit_of_reward_does_not_matter():
    groups = [[0.1, 0.7], [0.4, 0.9]]
    score = task_score(groups, 0.05, 1.3)
    moved = task_score(np.asarray(groups) * 250 - 40, 0.05 * 250 - 40, 1.3 * 250 - 40)
    for name in ("value", "standard_error", "freedom"):
        np.testing.assert_allclose(getattr(score, name), getattr(moved, name), rtol=1e-12)


def test_the_order_of_meta_seeds_and_agents_does_not_matter():
    groups = [[1.0, 4.0], [2.0, 7.0], [3.0, 5.0]]
    assert task_score(groups, 0, 10) == task_score([group[::-1] for group in groups[::-1]], 0, 10)


def test_a_best_that_is_not_above_random_is_refused():
    with pytest.raises(ValueError, match="is not above random"):
        task_score([[1.0, 2.0]], 1.0, 1.0)


def test_errors_propagate_by_hand():
    """Errors of 0.3 and 0.4 give an error of 0.25 of the mean; weights of 1/4 and 3/4 give another."""
    first = task_score([[2.0, 8.0]], 0, 10)  # SE = 0.3
    second = task_score([[0.0, 4.0, 8.0, 16.0]], 0, 10)
    np.testing.assert_allclose([first.standard_error, second.standard_error], [0.3, np.std([0, 4, 8, 16], ddof=1) / 20])
    even = combine([first, second], [0.5, 0.5])
    np.testing.assert_allclose(even.value, (0.5 + 0.7) / 2)
    np.testing.assert_allclose(even.standard_error, math.hypot(first.standard_error, second.standard_error) / 2)
    tilted = combine([first, second], [0.25, 0.75])
    a, b = 0.25 * first.standard_error, 0.75 * second.standard_error
    np.testing.assert_allclose(tilted.standard_error, math.hypot(a, b))
    np.testing.assert_allclose(tilted.freedom, (a**2 + b**2) ** 2 / (a**4 / 1 + b**4 / 3))
    assert (tilted.tasks, tilted.agents) == (2, 2)


def test_one_task_alone_keeps_its_score_and_interval():
    score = task_score([[1.0, 2.0, 6.0], [3.0, 3.0, 4.0]], 0, 10)
    alone = combine([score], [1.0])
    np.testing.assert_allclose(alone.interval(), score.interval())


def test_tasks_without_spread_have_an_interval_of_no_width():
    solved = task_score([[1.0, 1.0, 1.0]], 0, 1)
    assert combine([solved, solved], [0.5, 0.5]).interval() == (1.0, 1.0, 1.0)


def test_intervals_cover_the_mean_as_often_as_they_say():
    """Three meta-seeds of normal scores on 4 tasks with different spreads, whose true mean is 1/2."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        scores = [task_score(rng.normal(0.5, sd, (3, 1)), 0, 1) for sd in (0.05, 0.02, 0.1, 0.05)]
        interval = combine(scores, [0.25] * 4).interval()
        covered += interval.low <= 0.5 <= interval.high
    assert 0.92 <= covered / 400 <= 0.99


def test_curves_have_the_same_mean_and_error_at_every_point():
    rng = np.random.default_rng(0)
    groups = list(rng.random((3, 4, 5)))
    mean, error, runs = mean_and_error(groups)
    assert (mean.shape, error.shape, runs) == ((5,), (5,), 3)
    last, last_error, _ = mean_and_error([group[:, -1] for group in groups])
    np.testing.assert_allclose([mean[-1], error[-1]], [last, last_error])


def test_quantiles_are_students():
    for freedom in (1.0, 2.5, 30.0):
        np.testing.assert_allclose(student_quantile(0.975, freedom), scipy.stats.t.ppf(0.975, freedom))
    assert math.isnan(student_quantile(0.975, 0.0))
