"""An agent under the published weights learns Catch as in the notebook of the public code; five minutes on one core."""

import os

import pytest

from figures.analysis.catch import learning_curve
from groove.dropin.find import find_rule


@pytest.mark.slow
def test_catch_is_learned_within_sixty_thousand_environment_steps():
    rule = find_rule(f"disco103={os.environ['DISCO103_WEIGHTS']}[learning_rate=0.01]")
    assert any(point.evaluation >= 0.95 for point in learning_curve(rule, seed=0, env_steps=60_000))
