"""Every score worked by hand on one outcome, and the fields that each score reads."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.scores import SCORES
from groove.types import LevelOutcome

NAN = float("nan")
OUTCOME = LevelOutcome(
    finished=jnp.asarray([True, True, True, False]),
    student_return=jnp.asarray([1.0, 4.0, -2.0, NAN]),
    student_variance=jnp.asarray([0.25, 2.0, 0.0, NAN]),
    student_largest=jnp.asarray([1.0, 4.0, 2.0, NAN]),
    student_best=jnp.asarray([1.5, 4.0, -1.0, NAN]),
    antagonist_return=jnp.asarray([3.0, 1.5, -2.0, NAN]),
    antagonist_best=jnp.asarray([3.5, 3.0, -2.0, NAN]),
    optimal_return=jnp.asarray([4.0, 4.5, 0.0, NAN]),
    best_return=jnp.asarray([2.0, 7.0, -1.0, NAN]),
    positive_value_loss=jnp.asarray([0.1, 0.2, 0.3, NAN]),
    l1_value_loss=jnp.asarray([0.4, 0.5, 0.6, NAN]),
    value=jnp.asarray([0.5, 8.0, -3.0, NAN]),
)
GOLDEN = {
    "ar": [2.0, -2.5, 0.0, NAN],  # never clipped
    "relative": [2 / 3, -2.5 / 4, 0.0, NAN],
    "flexible": [2.5, 2.5, 1.0, NAN],  # the antagonist's best episode, and twice the student's
    "optimal": [3.0, 0.5, 2.0, NAN],
    "pvl": [0.1, 0.2, 0.3, NAN],
    "l1": [0.4, 0.5, 0.6, NAN],
    "mna": [0.3, 0.3, 0.0, 0.0],  # the third level was never solved; the fourth goes on
    "maxmc": [1.5, -1.0, 2.0, NAN],
    "learnability": [0.25, 0.125, 0.0, NAN],  # in the first, half the episodes return 1 and half 0, so p (1 - p) = 1/4
    "uniform": [0.0, 0.0, 0.0, 0.0],
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_by_hand(name):
    golden = np.asarray(GOLDEN[name], np.float32)
    np.testing.assert_allclose(SCORES[name].fn(OUTCOME), golden, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(SCORES[name].fn)(OUTCOME), golden, rtol=1e-6)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_reads_the_fields_it_needs_and_no_other(name):
    score = SCORES[name]
    fields = {f.name for f in dataclasses.fields(LevelOutcome)}
    assert score.about
    assert score.needs <= fields
    base = np.asarray(score.fn(OUTCOME))[:3]
    for field in fields - {"finished"}:
        nan = dataclasses.replace(OUTCOME, **{field: jnp.full((4,), jnp.nan)})
        moved = not np.array_equal(np.asarray(score.fn(nan))[:3], base)
        assert moved == (field in score.needs), field


def test_learnability_is_the_variance_of_success_in_any_unit_of_reward():
    returns = np.asarray([0.0, 1.0, 1.0, 1.0])

    def score(g):
        outcome = dataclasses.replace(
            OUTCOME, student_variance=jnp.asarray([g.var()]), student_largest=jnp.asarray([np.abs(g).max()])
        )
        return float(SCORES["learnability"].fn(outcome)[0])

    assert score(returns) == pytest.approx(0.75 * 0.25)
    assert score(10 * returns) == pytest.approx(0.75 * 0.25)
    assert score(np.full(4, 3.0)) == 0.0
