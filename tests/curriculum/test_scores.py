import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.scores import SCORES, algorithmic_regret
from groove.types import LevelOutcome

OUTCOME = LevelOutcome(
    finished=jnp.asarray([True, True, True, False]),
    student_return=jnp.asarray([1.0, 4.0, -2.0, jnp.nan]),
    antagonist_return=jnp.asarray([3.0, 1.5, -2.0, jnp.nan]),
)


def test_algorithmic_regret_is_antagonist_minus_student_and_never_clipped():
    golden = np.asarray([2.0, -2.5, 0.0, np.nan], np.float32)
    np.testing.assert_array_equal(algorithmic_regret(OUTCOME), golden)
    np.testing.assert_array_equal(jax.jit(algorithmic_regret)(OUTCOME), golden)


@pytest.mark.parametrize("name", SCORES)
def test_a_score_reads_the_fields_it_needs_and_no_other(name):
    score = SCORES[name]
    fields = {f.name for f in dataclasses.fields(LevelOutcome)}
    assert score.needs <= fields
    base = np.asarray(score.fn(OUTCOME))[:3]
    for field in fields - {"finished"}:
        nan = dataclasses.replace(OUTCOME, **{field: jnp.full((4,), jnp.nan)})
        moved = not np.array_equal(np.asarray(score.fn(nan))[:3], base)
        assert moved == (field in score.needs), field
