"""Does it learn? Minutes of training, outside CI: pytest -m slow tests/test_learning.py."""

import jax
import numpy as np
import pytest

from groove import config as configs
from groove.build import build
from groove.evaluate import Validation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained():
    config = configs.preset("laptop")
    for assignment in ("devices=2", "curriculum=dr", "run.steps=100", "validation.levels=64"):
        config = configs.override(config, assignment)
    parts = build(config)
    state = parts.trainer.init(jax.random.key(0))
    untrained = parts.judge(state.eta)
    for _ in range(10):
        state, _ = parts.trainer.run(state, 10)
    return Validation(student=parts.judge(state.eta), untrained=untrained, a2c=parts.judge_a2c(()))


def test_a_hundred_meta_steps_make_a_rule(trained):
    assert trained.normalised("student").low > trained.normalised("untrained").high
    assert trained.normalised("student").value > 0.7


def test_a2c_learns_most_levels(trained):
    assert np.mean(trained.a2c > trained.untrained) > 0.6
