"""Returns are compared with the baseline's, and validation levels are not those of training."""

import jax
import numpy as np

from groove.envs.gridworld.dynamics import make_gridworld
from groove.training.validation import Validation, unseen_levels
from tests._helpers.tiny import LEVELS, SIZES

VALIDATION = Validation(
    student=np.array([1.0, 3.0], np.float32),
    untrained=np.array([0.0, 1.0], np.float32),
    baseline=np.array([2.0, 6.0], np.float32),
)


def test_returns_are_normalised_by_the_baseline():
    assert VALIDATION.normalised().value == 0.5
    assert VALIDATION.normalised("untrained").value == 0.125
    metrics = VALIDATION.metrics()
    assert metrics["validation/normalised_return"] == 0.5
    assert metrics["validation/normalised_low"] == metrics["validation/normalised_high"] == 0.5
    assert metrics["validation/untrained_normalised"] == 0.125
    assert metrics["validation/gain"] == 0.375  # (1 - 0 + 3 - 1) / (2 + 6)
    assert metrics["validation/gain_low"] <= 0.375 <= metrics["validation/gain_high"]
    assert metrics["validation/student_return"] == 2.0
    assert metrics["validation/a2c_return"] == 4.0


def test_returns_have_the_names_of_the_log():
    assert list(VALIDATION.returns()) == ["student", "untrained", "a2c"]


def test_unseen_levels_depend_on_the_key_only():
    env = make_gridworld(SIZES, LEVELS)
    levels, again, other = (unseen_levels(env, jax.random.key(seed), 16) for seed in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(jax.tree.leaves(levels), jax.tree.leaves(again), strict=True))
    assert not np.array_equal(levels.walls, other.walls)
    trained_on = jax.vmap(env.sample_level)(jax.random.split(jax.random.key(0), 16))
    assert not np.array_equal(levels.walls, trained_on.walls)
