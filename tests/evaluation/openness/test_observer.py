"""The observer is ridge regression whose penalty has the least leave-one-out error."""

import numpy as np
import pytest

from groove.evaluation.openness import observer
from groove.evaluation.openness.observer import PENALTIES, fit, predict, with_indicators


def column(*values):
    return np.array(values, float)[:, None]


def test_weights_and_predictions_by_hand(monkeypatch):
    monkeypatch.setattr(observer, "PENALTIES", np.array([0.5]))
    fitted = fit(column(0, 2), column(0, 4))  # z = -1, 1 and y = -2, 2: w = 4 / (2 + 2 * 0.5)
    np.testing.assert_allclose(fitted.weights, [[4 / 3]])
    np.testing.assert_allclose(predict(fitted, column(1, 2, 0.5)), column(2, 2 + 4 / 3, 2 - 2 / 3))
    np.testing.assert_allclose(predict(fitted, column(100, -100)), column(4, 0), err_msg="within what was seen")


def test_the_penalty_has_the_least_error_when_each_level_is_left_out():
    rng = np.random.default_rng(0)
    features, outcomes = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    outcomes[:, 0] += 2 * features[:, 1]
    z = (features - features.mean(0)) / features.std(0)

    def ridge(z, y, penalty):
        ones = np.ones((len(z), 1))
        design = np.hstack([ones, z])
        return np.linalg.solve(design.T @ design + np.diag([0.0] + [30 * penalty] * 4), design.T @ y)

    fitted = fit(features, outcomes)
    for kind in range(2):
        y, errors, weights = outcomes[:, kind], [], []
        for penalty in (*PENALTIES[:-1], 1e12):  # instead of infinity
            left_out = []
            for i in range(30):
                others = np.arange(30) != i
                w = ridge(z[others], y[others], penalty)
                left_out.append((y[i] - w[0] - z[i] @ w[1:]) ** 2)
            errors.append(np.mean(left_out))
            weights.append(ridge(z, y, penalty)[1:])
        np.testing.assert_allclose(fitted.weights[:, kind], weights[int(np.argmin(errors))], atol=1e-8)


def test_undefined_features_are_taken_for_their_mean_and_marked():
    features = with_indicators([[1.0, np.inf], [2.0, 5.0], [3.0, 7.0]])
    np.testing.assert_array_equal(features[:, 2], [1, 0, 0])
    assert features.shape == (3, 3), "the first feature is always defined"
    fitted = fit(features[:, :2], column(0, 1, 3))
    np.testing.assert_array_equal(predict(fitted, np.array([[2.0, np.nan]])), predict(fitted, np.array([[2.0, 6.0]])))


def test_a_feature_that_never_varied_says_nothing():
    features = np.array([[0.1, 0.0], [0.1, 1.0], [0.1, 2.0]])
    fitted = fit(features, column(0, 1, 2))
    np.testing.assert_array_equal(fitted.weights[0], 0.0)
    np.testing.assert_array_equal(predict(fitted, np.array([[9.0, 1.0]])), predict(fitted, np.array([[0.1, 1.0]])))


def test_one_level_is_too_few():
    with pytest.raises(ValueError, match="two levels"):
        fit(column(1), column(1))
