"""Probabilities of ranks, by hand and by their sums."""

import numpy as np

from groove.evaluation.progression.ranks import rank_probabilities


def test_three_rules_in_four_resamples_by_hand():
    values = np.array([[3.0, 3.0, 1.0, 5.0], [2.0, 4.0, 2.0, 5.0], [1.0, 1.0, 3.0, 0.0]])
    expected = np.array([[1.5, 1.5, 1.0], [1.5, 2.5, 0.0], [1.0, 0.0, 3.0]]) / 4  # the last resample ties at the top
    np.testing.assert_allclose(rank_probabilities(values), expected)


def test_rows_and_columns_are_distributions():
    values = np.random.default_rng(0).integers(0, 4, (6, 50)).astype(float)  # with many ties
    probability = rank_probabilities(values)
    np.testing.assert_allclose(probability.sum(0), 1)
    np.testing.assert_allclose(probability.sum(1), 1)


def test_rules_that_are_equal_share_all_ranks_and_one_rule_is_first():
    np.testing.assert_allclose(rank_probabilities(np.ones((4, 3))), np.full((4, 4), 0.25))
    np.testing.assert_allclose(rank_probabilities(np.ones((1, 3))), [[1.0]])
