"""A factor of the learning rate that belongs to an agent's life, and that rules do not see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.agents.varied_rate import vary_rate
from groove.envs.base import Box, Discrete
from groove.types import LOGITS

AGENTS = {
    "table": (Discrete(5), AgentConfig(), jnp.array([0, 3])),
    "network": (
        Box((3,)),
        AgentConfig(torso="mlp", widths=(4,), optimizer="adam", learning_rate=1e-2),
        jnp.array([[1.0, 0.5, -1.0], [0.2, 0.0, 2.0]]),
    ),
}
GRADIENT = {LOGITS: jnp.array([[0.1, -0.1], [-0.2, 0.2]])}


@pytest.mark.parametrize("kind", AGENTS)
def test_steps_are_those_of_the_agent_times_a_factor(kind):
    observation, config, obs = AGENTS[kind]
    agent = make_agent(observation, {LOGITS: 2}, config)
    varied = vary_rate(agent, 4.0)
    key = jax.random.key(3)
    params, (inner, rate) = varied.init(key)
    jax.tree.map(np.testing.assert_array_equal, (params, inner), agent.init(jax.random.split(key)[0]))
    assert 0.25 <= float(rate) <= 4.0
    for factor, expected in ((None, rate), (jnp.float32(3.0), 3 * rate)):
        after, (inner_after, rate_after) = varied.step(params, (inner, rate), obs, GRADIENT, factor)
        own, own_state = agent.step(params, inner, obs, GRADIENT, expected)
        jax.tree.map(np.testing.assert_array_equal, (after, inner_after, rate_after), (own, own_state, rate))
        assert any(bool(jnp.any(a != b)) for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(params), strict=True))


def test_factors_are_log_uniform_and_belong_to_the_key():
    observation, config, _ = AGENTS["table"]
    varied = vary_rate(make_agent(observation, {LOGITS: 2}, config), 8.0)
    keys = jax.random.split(jax.random.key(0), 2000)
    rates = np.log(np.asarray(jax.vmap(lambda key: varied.init(key)[1][1])(keys))) / np.log(8.0)
    assert rates.min() < -0.99
    assert rates.max() > 0.99
    np.testing.assert_allclose([rates.mean(), rates.std()], [0.0, 1 / np.sqrt(3)], atol=0.04)
    np.testing.assert_allclose(rates[7], np.log(float(varied.init(keys[7])[1][1])) / np.log(8.0), rtol=1e-5)


def test_a_spread_of_one_is_the_agent_itself():
    observation, config, _ = AGENTS["table"]
    agent = make_agent(observation, {LOGITS: 2}, config)
    assert vary_rate(agent, 1.0) is agent
