"""The second attack: its success by hand, a picture, and a small one from end to end."""

import numpy as np
import pytest

from figures.analysis.second_attack import draw, measure, success, summarised, table
from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.elites import Failures
from tests._helpers.rules import write_rule

AXES = (Axis("a", np.array([1.0])), Axis("b", np.array([1.0])))


def attack(returns):
    returns = np.asarray(returns, float)
    n = returns.shape[1]
    curve = np.arange(1, 3)
    return Failures(None, np.zeros((n, 2), int), np.ones(n), returns, ["mine", "a2c"], AXES, curve, curve, curve, {})


def test_an_attack_succeeds_where_the_rule_is_behind_by_the_margin():
    returns = np.array([[0.80, 0.95, -1.0, 0.00, 2.0], [1.00, 1.00, -0.5, 0.005, 1.0], [0.90, 0.0, -2.0, -1.0, 1.5]])
    # behind by 0.2 of 1, 0.05 of 1, 0.5 of 1, 0.005 of the least 0.1, ahead
    assert success(returns, 0.1) == pytest.approx(2 / 5)
    assert success(returns, 0.04) == pytest.approx(4 / 5)
    assert success(7 * returns[:, :3], 0.1) == success(returns[:, :3], 0.1)  # the unit does not matter above it


def test_numbers_by_hand_and_their_picture(tmp_path):
    numbers = {
        "before": summarised([[attack([[0.0, 1.0], [1.0, 1.0]]), attack([[0.0], [3.0]])]], 0.1),
        "archive": summarised([[attack([[1.0], [1.0]])], [attack([[0.0], [2.0]])], [attack([[0.0], [2.0]])]], 0.1),
    }
    assert numbers["before"] == {"cells": [1.5], "success": [0.75], "regret": [1.75]}
    assert numbers["archive"] == {"cells": [1.0] * 3, "success": [0.0, 1.0, 1.0], "regret": [0.0, 2.0, 2.0]}
    assert table(numbers).splitlines()[2:] == [
        "| before | 0.75 | 0.75 | 1.75 |",
        "| archive | 0.67 [-0.77, 2.10] | 0.00, 1.00, 1.00 | 1.33 [-1.54, 4.20] |",
        "| archive minus before | -0.08 |  | -0.42 |",
    ]
    draw(numbers, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5_000


@pytest.mark.slow
def test_rules_of_one_label_are_pooled_and_searched_on_their_own(tmp_path):
    rules = [f"mine={write_rule(tmp_path / f'{i}.safetensors', spread=0.1 + 0.1 * i)}" for i in range(2)]
    numbers = measure(rules, ["a2c"], 16, 4, 2, 1, 0.1, tmp_path / "searches")
    assert list(numbers) == ["mine"]
    assert len(numbers["mine"]["success"]) == len(list((tmp_path / "searches").iterdir())) == 2
