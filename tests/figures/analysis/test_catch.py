"""Learning curves on Catch: the points that were asked for, the same for the same seed."""

import pytest

from figures.analysis.catch import learning_curve
from groove.dropin.find import find_rule


def test_a_random_agent_catches_one_ball_in_five():
    rule = find_rule("random")
    curve = list(learning_curve(rule, seed=1, env_steps=6000))
    assert [point.env_steps for point in curve] == [2726, 5452, 5974]  # whole updates of 58 steps
    assert sum(point.training for point in curve) / 3 == pytest.approx(-0.6, abs=0.1)
    assert sum(point.evaluation for point in curve) / 3 == pytest.approx(-0.6, abs=0.1)
    assert next(learning_curve(rule, seed=1, env_steps=6000)) == curve[0]
