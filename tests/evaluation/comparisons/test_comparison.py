"""Comparisons worked by hand on a few numbers."""

import dataclasses

import numpy as np
import pytest

from groove.evaluation.comparisons.comparison import agents_of_each, aggregates, compare_cells
from groove.utils.errors import GrooveError
from tests._helpers.cells import cell, three_rules


def test_scores_are_normalised_by_random_and_a2c():
    comparison = compare_cells([*three_rules("s/a", [[1.0, 2.0]]), *three_rules("s/b", [[5.0, 4.0]], 3.0, 7.0)])
    np.testing.assert_allclose(comparison.scores["mine"], [[0.5, 0.5], [1.0, 0.25]])
    np.testing.assert_allclose(comparison.scores["a2c"], np.ones((2, 2)))
    np.testing.assert_allclose(comparison.scores["random"], np.zeros((2, 2)))
    numbers = aggregates(comparison)
    assert numbers["mean"]["mine"].value == pytest.approx((0.75 + 0.375) / 2)
    assert numbers["optimality gap"]["mine"].value == pytest.approx(1 - (0.75 + 0.375) / 2)
    assert numbers["P(better than a2c)"]["mine"].value == pytest.approx((0.25 + 0.0) / 2)  # one tie of two runs
    assert set(numbers["P(better than a2c)"]) == {"mine"}


def test_rules_are_compared_with_ppo_too_where_it_was_tested():
    cells = [*three_rules("s/a", [[1.0, 2.0]]), cell("s/a", "ppo", [[1.0, 1.0]])]
    numbers = aggregates(compare_cells(cells))
    assert set(numbers["P(better than ppo)"]) == {"mine"}
    assert numbers["P(better than ppo)"]["mine"].value == pytest.approx(0.75)  # two ties of four pairs
    assert set(numbers["P(better than a2c)"]) == {"mine", "ppo"}
    assert "P(better than ppo)" not in aggregates(compare_cells(three_rules("s/a", [[1.0, 2.0]])))


def test_other_rivals_can_be_named():
    cells = [*three_rules("s/a", [[1.0, 2.0]]), cell("s/a", "other", [[1.0, 1.0]])]
    numbers = aggregates(compare_cells(cells, rivals=["other"]))
    assert numbers["P(better than other)"]["mine"].value == pytest.approx(0.75)
    assert "P(better than a2c)" not in numbers
    with pytest.raises(GrooveError, match="ppo is a rival but not among the rules that are compared: random, a2c"):
        compare_cells(cells, rivals=["ppo"])


def test_levels_of_a_task_are_averaged_but_for_the_profile():
    cells = [
        cell("s/a", "random", [[0.0], [0.0], [1.0]]),
        cell("s/a", "a2c", [[1.0], [3.0], [1.0]]),
        cell("s/a", "mine", [[1.0], [1.5], [0.0]]),
    ]
    comparison = compare_cells(cells)
    np.testing.assert_allclose(comparison.scores["mine"], [[(2.5 / 3 - 1 / 3) / (5 / 3 - 1 / 3)]])
    np.testing.assert_allclose(comparison.profile["mine"], [[1.0, 0.5]])  # A2C gains nothing on the third level
    assert comparison.rows[0].returns["mine"].value == pytest.approx(2.5 / 3)
    assert np.isnan(comparison.rows[0].returns["mine"].low)  # one seed


def test_meta_seeds_of_one_name_are_clusters():
    lows = [cell("s/a", "random", [[0.0, 0.0]]), cell("s/a", "a2c", [[2.0, 2.0]])]
    comparison = compare_cells(
        [*lows, cell("s/a", "mine", [[0.0, 0.0]]), cell("s/a", "mine", [[2.0, 2.0]], meta_seed=1)]
    )
    assert comparison.clusters == {"random": 1, "a2c": 1, "mine": 2}
    np.testing.assert_allclose(comparison.scores["mine"], [[0.0], [0.0], [1.0], [1.0]])
    assert aggregates(comparison)["mean"]["mine"] == (0.5, 0.0, 1.0)  # either meta-seed alone, now and then
    assert comparison.rows[0].returns["mine"] == (1.0, 0.0, 2.0)


def test_a_meta_seed_has_one_place_on_every_task_whatever_the_order_of_its_results():
    others = [each for task in ("s/a", "s/b") for each in three_rules(task, [[0.0]])[:2]]
    good = {task: cell(task, "mine", [[2.0, 2.0]], meta_seed=0) for task in ("s/a", "s/b")}
    bad = {task: cell(task, "mine", [[0.0, 0.0]], meta_seed=1) for task in ("s/a", "s/b")}
    comparison = compare_cells([*others, good["s/a"], bad["s/a"], bad["s/b"], good["s/b"]])
    np.testing.assert_allclose(comparison.scores["mine"], [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])


def test_meta_seeds_without_results_on_every_task_do_not_count_and_are_named():
    others = [each for task in ("s/a", "s/b") for each in three_rules(task, [[0.0]])[:2]]
    seeds = [cell("s/a", "mine", [[0.0, 0.0]], meta_seed=0), cell("s/a", "mine", [[2.0, 2.0]], meta_seed=1)]
    comparison = compare_cells([*others, *seeds, cell("s/b", "mine", [[2.0, 2.0]], meta_seed=1)])
    np.testing.assert_allclose(comparison.scores["mine"], np.ones((2, 2)))
    assert comparison.notes == ("mine counts with 1 of its 2 meta-seeds, those with results on every task.",)
    with pytest.raises(GrooveError, match="no meta-seed of mine has results on all of s/a, s/b"):
        compare_cells([*others, seeds[0], cell("s/b", "mine", [[2.0, 2.0]], meta_seed=1)])


def test_settings_of_a_hand_written_rule_are_no_meta_seeds():
    first, second = (cell("s/a", "ppo", [[value]], meta_seed=value, origin="ppo") for value in (1.0, 2.0))
    comparison = compare_cells([first, second, cell("s/a", "a2c", [[4.0]], origin="a2c")])
    assert comparison.clusters["ppo"] == 1
    assert comparison.rows[0].returns["ppo"].value == 1.0  # the first of two without a time
    assert "ppo was tested with 2 different settings under one name" in comparison.notes[0]
    later = dataclasses.replace(second, lines=({**second.lines[-1], "provenance": {"time": "2026-01-01T00:00:00"}},))
    assert compare_cells([first, later]).rows[0].returns["ppo"].value == 2.0


def test_tasks_without_results_of_every_rule_are_named():
    comparison = compare_cells([cell("s/a", "x", [[1.0]]), cell("s/a", "y", [[1.0]]), cell("t/b", "y", [[1.0]])])
    assert comparison.notes == ("Left out, since results of a rule are missing: t (1 task).",)


def test_tasks_on_which_a2c_gains_nothing_are_left_out():
    comparison = compare_cells([*three_rules("s/a", [[1.0, 2.0]]), *three_rules("s/b", [[5.0, 4.0]], 1.0, 1.0)])
    assert comparison.scored == ("s/a",)
    assert comparison.left_out == ("s/b",)


def test_rules_of_one_name_are_pooled_on_their_common_seeds_and_only_common_tasks_count():
    first, second = cell("s/a", "mine", [[1.0, 2.0, 9.0]]), cell("s/a", "mine", [[3.0, 4.0]], meta_seed=1)
    others = [cell("s/a", "a2c", [[4.0, 4.0, 7.0]]), cell("s/b", "a2c", [[4.0]])]
    comparison = compare_cells([first, second, *others])
    assert [row.task for row in comparison.rows] == ["s/a"]
    assert comparison.rows[0].returns["mine"].value == pytest.approx(2.5)
    assert comparison.rows[0].returns["a2c"].value == pytest.approx(5.0)  # with a seed that the others lack
    assert comparison.rows[0].agents == {"mine": 4, "a2c": 3}
    assert agents_of_each(comparison) == {"mine": (2, 2), "a2c": (3, 3)}
    assert comparison.scores == {}


def test_curves_are_means_over_levels_and_seeds():
    comparison = compare_cells([cell("s/a", "mine", [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]])])
    steps, interval = comparison.rows[0].curves["mine"]
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
        (
            [cell("s/a", "x", [[1.0]]), cell("s/a", "x", [[1.0]], seeds=(4,), meta_seed=1)],
            "the rules named x have no seed in common on s/a",
        ),
        ([cell("s/a", "x", [[1.0]]), cell("s/a", "y", [[1.0], [2.0]])], "of different levels"),
    ],
)
def test_what_cannot_be_compared_says_what_to_do(cells, complaint):
    with pytest.raises(GrooveError, match=complaint):
        compare_cells(cells)
