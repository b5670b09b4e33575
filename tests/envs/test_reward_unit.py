"""A unit of reward multiplies rewards and optimal returns, and changes nothing else."""

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.random_mdp import make_random_mdps
from groove.envs.reward_unit import in_unit
from tests._helpers.reference import draw, nth


def test_rewards_and_optimal_returns_are_multiplied():
    env = make_random_mdps()
    other = in_unit(env, 4.0)
    level = jax.tree.map(jnp.asarray, nth(draw(env.sample_level, 0, 1), 0))
    noise = env.noise(jax.random.key(0), (99,))
    action = jax.random.randint(jax.random.key(1), (99,), 0, env.num_actions)

    def play(family):
        def body(state, xs):
            step = family.step(level, state, *xs)
            return step.state, step

        start, _ = family.reset(level, jax.tree.map(lambda x: x[0], noise))
        return jax.lax.scan(body, start, (action, noise))[1], family.optimal_return(level)

    (usual, best), (scaled, scaled_best) = jax.jit(lambda: (play(env), play(other)))()
    assert np.abs(usual.reward).max() > 0
    np.testing.assert_array_equal(scaled.reward, 4.0 * usual.reward)
    np.testing.assert_allclose(scaled_best, 4.0 * best, rtol=1e-6)
    np.testing.assert_array_equal(scaled.obs, usual.obs)
