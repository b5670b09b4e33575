"""Learning curves on Catch: the points that were asked for, the same for the same seed."""

import pytest

from figures.analysis.catch import Point, learning_curve, row, steps_until_learned
from groove.dropin.find import find_rule


def test_a_random_agent_catches_one_ball_in_five():
    rule = find_rule("random")
    curve = list(learning_curve(rule, seed=1, env_steps=6000))
    assert [point.env_steps for point in curve] == [2726, 5452, 5974]  # whole updates of 58 steps
    assert sum(point.training for point in curve) / 3 == pytest.approx(-0.6, abs=0.1)
    assert sum(point.evaluation for point in curve) / 3 == pytest.approx(-0.6, abs=0.1)
    assert next(learning_curve(rule, seed=1, env_steps=6000)) == curve[0]


def test_an_agent_has_learned_when_it_first_catches_nearly_every_ball():
    curve = [Point(steps, 0.0, value) for steps, value in ((10, 0.2), (20, 0.95), (30, 0.5), (40, 1.0))]
    assert steps_until_learned(curve) == 20
    assert steps_until_learned(curve[:1]) == float("inf")
    assert row("mine", [curve, curve[:1], curve[2:]], 1.5) == ("| mine | 2 of 3 | 40 | 0.73 [0.20, 1.00] | 1.50 |")
