"""Advantages against plain loops, at both kinds of episode end."""

import jax.numpy as jnp
import numpy as np
import pytest

from groove import ops


def _loop_advantage(reward, value, next_value, terminated, truncated, discount, trace):
    """Return the advantages by plain Python loops over workers and steps."""
    steps, workers = reward.shape
    out = np.zeros((steps, workers))
    for w in range(workers):
        running = 0.0
        for t in reversed(range(steps)):
            bootstrap = 0.0 if terminated[t, w] else discount * next_value[t, w]
            if terminated[t, w] or truncated[t, w]:
                running = 0.0
            running = reward[t, w] + bootstrap - value[t, w] + discount * trace * running
            out[t, w] = running
    return out


@pytest.fixture
def experience():
    rng = np.random.default_rng(0)
    shape = (12, 5)
    terminated = rng.random(shape) < 0.2
    truncated = ~terminated & (rng.random(shape) < 0.2)
    return (*rng.normal(size=(3, *shape)).astype(np.float32), terminated, truncated)


def test_advantage_equals_plain_loops(experience):
    ours = ops.generalised_advantage(*map(jnp.asarray, experience), 0.9, 0.8)
    np.testing.assert_allclose(ours, _loop_advantage(*experience, 0.9, 0.8), atol=1e-5)


def test_truncation_bootstraps_and_termination_does_not():
    one, flag = jnp.ones((1, 1)), jnp.ones((1, 1), bool)
    truncated = ops.generalised_advantage(one, 0 * one, 10 * one, ~flag, flag, 0.5, 1.0)
    terminated = ops.generalised_advantage(one, 0 * one, 10 * one, flag, ~flag, 0.5, 1.0)
    assert float(truncated[0, 0]) == 6.0
    assert float(terminated[0, 0]) == 1.0
