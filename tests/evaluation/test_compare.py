"""Comparisons worked by hand on a few numbers."""

import numpy as np
import pytest

from groove.evaluation.compare import aggregates, compare
from groove.evaluation.compare_plots import markdown
from groove.evaluation.results import Cell


def cell(task, rule, returns, seeds=None, budget="laptop"):
    returns = np.asarray(returns, float)
    if returns.ndim == 2:  # [levels, seeds], one point
        returns = returns[:, :, None]
    points = returns.shape[2]
    return Cell(
        task=task,
        budget=budget,
        rule=rule,
        seeds=tuple(range(returns.shape[1])) if seeds is None else seeds,
        updates=np.arange(1, points + 1),
        env_steps=10 * np.arange(1, points + 1),
        returns=returns,
        lines=(),
    )


def three(task, rule, low=0.0, high=2.0):
    """random at `low`, a2c at `high`, and a rule."""
    return [cell(task, "random", [[low, low]]), cell(task, "a2c", [[high, high]]), cell(task, "mine", rule)]


def test_scores_are_normalised_by_random_and_a2c():
    found = compare([*three("s/a", [[1.0, 2.0]]), *three("s/b", [[5.0, 4.0]], low=3.0, high=7.0)])
    np.testing.assert_allclose(found.scores["mine"], [[0.5, 0.5], [1.0, 0.25]])
    np.testing.assert_allclose(found.scores["a2c"], np.ones((2, 2)))
    np.testing.assert_allclose(found.scores["random"], np.zeros((2, 2)))
    numbers = aggregates(found)
    assert numbers["mean"]["mine"].value == pytest.approx((0.75 + 0.375) / 2)
    assert numbers["optimality gap"]["mine"].value == pytest.approx(1 - (0.75 + 0.375) / 2)
    assert numbers["P(better than a2c)"]["mine"].value == pytest.approx((0.25 + 0.0) / 2)  # one tie of two runs
    assert set(numbers["P(better than a2c)"]) == {"mine"}


def test_levels_of_a_task_are_averaged_but_for_the_profile():
    cells = [
        cell("s/a", "random", [[0.0], [0.0], [1.0]]),
        cell("s/a", "a2c", [[1.0], [3.0], [1.0]]),
        cell("s/a", "mine", [[1.0], [1.5], [0.0]]),
    ]
    found = compare(cells)
    np.testing.assert_allclose(found.scores["mine"], [[(2.5 / 3 - 1 / 3) / (5 / 3 - 1 / 3)]])
    np.testing.assert_allclose(found.profile["mine"], [[1.0, 0.5]])  # A2C gains nothing on the third level
    assert found.rows[0].returns["mine"].value == pytest.approx(2.5 / 3)
    assert np.isnan(found.rows[0].returns["mine"].low)  # one seed


def test_meta_seeds_of_one_name_are_clusters():
    lows = [cell("s/a", "random", [[0.0, 0.0]]), cell("s/a", "a2c", [[2.0, 2.0]])]
    found = compare([*lows, cell("s/a", "mine", [[0.0, 0.0]]), cell("s/a", "mine", [[2.0, 2.0]])])
    assert found.clusters == {"random": 1, "a2c": 1, "mine": 2}
    np.testing.assert_allclose(found.scores["mine"], [[0.0], [0.0], [1.0], [1.0]])
    assert aggregates(found)["mean"]["mine"] == (0.5, 0.0, 1.0)  # either meta-seed alone, now and then
    assert found.rows[0].returns["mine"] == (1.0, 0.0, 2.0)
    assert "over meta-seeds (mine 2)" in markdown(found)


def test_tasks_on_which_a2c_gains_nothing_are_left_out_and_named():
    found = compare([*three("s/a", [[1.0, 2.0]]), *three("s/b", [[5.0, 4.0]], low=1.0, high=1.0)])
    assert found.scored == ("s/a",)
    assert found.left_out == ("s/b",)
    assert "left out, as a2c gains nothing there: s/b" in markdown(found)


def test_rules_of_one_name_are_pooled_and_only_common_seeds_and_tasks_count():
    first, second = cell("s/a", "mine", [[1.0, 2.0, 9.0]]), cell("s/a", "mine", [[3.0, 4.0]])
    others = [cell("s/a", "a2c", [[4.0, 4.0, 4.0]]), cell("s/b", "a2c", [[4.0]])]
    found = compare([first, second, *others])
    assert [row.task for row in found.rows] == ["s/a"]
    assert found.rows[0].returns["mine"].value == pytest.approx(2.5)
    assert found.rows[0].returns["a2c"].value == pytest.approx(4.0)
    assert found.scores == {}
    assert "Not normalised" in markdown(found)


def test_curves_are_means_over_levels_and_seeds():
    found = compare([cell("s/a", "mine", [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]])])
    steps, interval = found.rows[0].curves["mine"]
    assert steps.tolist() == [10, 20]
    np.testing.assert_allclose(interval.value, [3.0, 4.0])
    assert (interval.low <= interval.value).all()
    assert interval.low[1] < 4.0 < interval.high[1]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ([], "of one budget, got none"),
        ([cell("s/a", "x", [[1.0]]), cell("s/a", "y", [[1.0]], budget="paper")], "expected results of one budget"),
        ([cell("s/a", "x", [[1.0]]), cell("s/b", "y", [[1.0]])], "no task has results of every rule"),
        ([cell("s/a", "x", [[1.0]]), cell("s/a", "y", [[1.0]], seeds=(4,))], "no seed in common"),
        ([cell("s/a", "x", [[1.0]]), cell("s/a", "y", [[1.0], [2.0]])], "of different levels"),
    ],
)
def test_what_cannot_be_compared_says_what_to_do(cells, complaint):
    with pytest.raises(ValueError, match=complaint):
        compare(cells)


def test_the_table_names_steps_seeds_and_what_zero_and_one_are():
    text = markdown(compare(three("s/a", [[1.0, 2.0]])))
    assert "| s/a | 10 | 0.00 [0.00, 0.00] | 2.00 [2.00, 2.00] | 1.50 [1.00, 2.00] |" in text
    assert "over 2 seeds, which are too narrow with so few" in text
    assert "0 is random's return, 1 is a2c's, over 1 tasks." in text
