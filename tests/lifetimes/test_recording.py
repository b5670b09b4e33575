"""A recorded life is the life that learning curves measure, and its acts follow the rules of the level."""

import jax
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes.learning_curves import LearningCurves
from groove.lifetimes.recording import Act, LifeRecorder, ages_until, make_performance
from groove.utils import parallel
from tests._helpers.tiny import LEVELS, SIZES, tiny_setup

SETUP = tiny_setup(make_gridworld(SIZES, LEVELS))
LEVEL = jax.tree.map(np.asarray, SETUP.env.sample_level(jax.random.key(3)))
KEY = jax.random.key(5)
AGES = (0, 2, 4)
A2C = SETUP.antagonists[0]


@pytest.fixture(scope="module")
def recorder():
    perform = make_performance(SETUP.env, SETUP.student, episodes=6, watched=10)
    return LifeRecorder(SETUP.env, A2C.rule, A2C.agent, perform, workers=3, steps=4)


@pytest.fixture(scope="module")
def life(recorder):
    return recorder((), LEVEL, KEY, AGES)


def test_returns_are_those_of_learning_curves(life):
    """Although another agent, the student's, reads the policies."""
    curves = LearningCurves(
        SETUP.env, A2C.rule, A2C.agent, parallel.make_mesh(1), workers=3, steps=4, episodes=6, batch=1
    )
    expected = curves((), jax.tree.map(lambda x: x[None], LEVEL), KEY[None], AGES)
    np.testing.assert_allclose(life.returns.mean(1)[None], expected, atol=1e-6)


def test_the_same_key_gives_the_same_life(recorder, life):
    again = recorder((), LEVEL, KEY, AGES)
    jax.tree.map(np.testing.assert_array_equal, again, life)
    other = recorder((), LEVEL, jax.random.key(6), AGES)
    assert not np.array_equal(other.returns, life.returns)


def test_an_act_begins_at_the_start_and_moves_one_cell_a_step(life):
    for act in life.acts:
        cells = np.stack([act.states.row, act.states.col], 1)[: act.length + 1]
        assert tuple(cells[0]) == divmod(int(LEVEL.start), SIZES.side)
        assert np.abs(np.diff(cells, axis=0)).sum(1).max() <= 1
        assert not LEVEL.walls[cells @ [SIZES.side, 1]].any()


def test_an_act_ends_within_the_time_limit(life):
    assert all(act.ended[act.length - 1] and act.length <= LEVEL.max_steps for act in life.acts)


def test_an_act_that_does_not_end_is_as_long_as_its_record():
    assert Act((), np.zeros(3), np.array([False] * 3)).length == 3
    assert Act((), np.zeros(3), np.array([False, True, False])).length == 2


def test_ages_hold_birth_the_middle_and_the_end():
    assert ages_until(250, 8)[::4] == (0, 125, 250)
    assert ages_until(1, 8) == (0, 1)
