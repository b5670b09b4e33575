"""The optimizer and the target network of the rule, against the published ones."""

import jax
import numpy as np

from groove.agents.agent import bounded_adam
from groove.lpg.disco.step import follow


def test_the_optimizer_makes_the_published_steps(golden):
    optimizer = bounded_adam(3e-4, most=1.0)

    def step(state, gradient):
        update, state = optimizer.update(gradient, state)
        return state, update

    gradients, wanted = golden["unit/optimizer/gradients"], golden["unit/optimizer/updates"]
    _, updates = jax.jit(lambda g: jax.lax.scan(step, optimizer.init(g[0]), g))(gradients)
    np.testing.assert_allclose(updates, wanted, atol=1e-4 * np.abs(wanted).max())
    assert np.isclose(np.abs(np.asarray(updates)), 3e-4, rtol=1e-6).any(axis=0)[1:4].all()  # at the bound


def test_the_target_network_follows_slowly(golden):
    target, params = golden["call1/in/target_params"], golden["call1/in/params"]
    np.testing.assert_allclose(follow(target, params), golden["call1/state/target_params"], rtol=1e-6)
