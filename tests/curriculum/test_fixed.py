"""A fixed distribution: new levels at every draw, and no state."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.curriculum.fixed import make_dr
from groove.types import LevelOutcome

N = 8
DR = make_dr(lambda key: {"u": jax.random.uniform(key), "grid": jnp.ones((2, 3))})


def test_every_level_is_new_and_has_no_place():
    state, levels, ids = DR.init(jax.random.key(0), N)
    seen = set(levels["u"].tolist())
    assert levels["grid"].shape == (N, 2, 3)
    assert ids.tolist() == [-1] * N
    for step in range(3):
        state, levels, ids = DR.sample(state, jax.random.key(step + 1), jnp.ones(N, bool))
        assert ids.tolist() == [-1] * N
        assert ids.dtype == jnp.int32
        new = set(levels["u"].tolist())
        assert len(new) == N
        assert not new & seen
        seen |= new


def test_levels_follow_the_base_distribution_and_the_key():
    _, levels, _ = DR.sample((), jax.random.key(3), jnp.ones(2000, bool))
    np.testing.assert_allclose(np.quantile(levels["u"], [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.04)
    _, again, _ = DR.sample((), jax.random.key(3), jnp.ones(2000, bool))
    np.testing.assert_array_equal(levels["u"], again["u"])


def test_it_needs_nothing_and_outcomes_change_nothing():
    assert DR.needs == frozenset()
    assert DR.top is None
    state, _, ids = DR.init(jax.random.key(0), N)
    assert DR.update(state, ids, LevelOutcome.unknown(jnp.ones(N, bool))) == state
    assert DR.weight(state, ids).tolist() == [1.0] * N
    assert np.isnan(DR.recall(state, ids).optimal_return).all()
    assert dict(DR.metrics(state)) == {}
