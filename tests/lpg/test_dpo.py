"""DPO: the drift and its slope by hand, the first step of A2C, and no sudden halt beyond a clip."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, begin_learner, make_agent
from groove.envs.base import Box
from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.dpo import DPOConfig, drift, make_dpo
from groove.types import Rollout


def test_the_drift_by_hand():
    ratio = jnp.asarray([3.0, 0.5, 1.5, 0.25, 2.0, 1.0])
    advantage = jnp.asarray([2.0, 2.0, 0.0, -1.0, -1.0, -1.0])
    # (3 - 1) 2 = 4: 4 - 2 tanh(2); log(1/4) (-1) = log 4: log 4 - 0.6 tanh(log 4 / 0.6); the others move against A
    wanted = [4 - 2 * 0.9640276, 0.0, 0.0, 1.3862944 - 0.6 * 0.9805056, 0.0, 0.0]
    np.testing.assert_allclose(drift(jnp.log(ratio), advantage, 2.0, 0.6), wanted, atol=1e-6)


@pytest.mark.parametrize("advantage", [2.0, 0.5, -0.5, -2.0])
def test_the_drift_has_no_slope_at_ratio_one(advantage):
    slope = jax.grad(lambda x: drift(x, jnp.float32(advantage), 2.0, 0.6))

    def gain(x):
        return jnp.exp(x) * advantage - drift(x, jnp.float32(advantage), 2.0, 0.6)

    assert float(slope(jnp.float32(0.0))) == 0.0
    np.testing.assert_allclose(jax.grad(gain)(jnp.float32(0.0)), advantage, rtol=1e-6)  # the slope of r A
    # away from 1, in the direction of A, the drift takes a part of the slope, A r tanh^2 or A tanh^2
    x = 0.7 * np.sign(advantage)
    r = np.exp(x)
    left = (
        advantage * r * (1 - np.tanh((r - 1) * advantage / 2.0) ** 2)
        if advantage > 0
        else advantage * (r - np.tanh(x * advantage / 0.6) ** 2)
    )
    np.testing.assert_allclose(jax.grad(gain)(jnp.float32(x)), left, rtol=1e-5)


def test_a_single_step_is_the_step_of_a2c():
    config = AgentConfig(torso="mlp", widths=(8,), optimizer="adam", learning_rate=0.1, max_grad_norm=1e3)
    agent = make_agent(Box((5,)), {"logits": 3, "value": 1}, config)
    keys = jax.random.split(jax.random.key(0), 2)
    learner = jax.jit(jax.vmap(lambda key: begin_learner(agent, key, jnp.int32(9))))(keys)
    rng = np.random.default_rng(0)
    obs, ends = rng.normal(size=(2, 2, 4, 3, 5)).astype(np.float32), rng.integers(0, 5, (2, 4, 3))
    reward = rng.normal(size=(2, 4, 3)).astype(np.float32)
    rollout = Rollout(obs[0], rng.integers(0, 3, (2, 4, 3), np.int32), reward, ends == 0, ends == 1, obs[1])
    rules = [make_dpo(DPOConfig(epochs=1, minibatches=1, scale_rewards=False), 0.9), make_a2c(A2CConfig(), 0.9)]
    (dpo, info), (a2c, _) = (
        jax.jit(lambda learner, rule=rule: rule.update((), agent, learner, rollout, keys))(learner) for rule in rules
    )
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), dpo, a2c)
    assert info.metrics["drift_fraction"].tolist() == [0.0, 0.0]
    more, info = jax.jit(lambda x: make_dpo(DPOConfig(scale_rewards=False), 0.9).update((), agent, x, rollout, keys))(
        learner
    )
    assert all(0 < x < 1 for x in info.metrics["drift_fraction"].tolist())
    assert bool((more.params["head_logits"]["w"] != dpo.params["head_logits"]["w"]).any())


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(ValueError, match=f"dpo.{name} = 0.0 must be above 0"):
        make_dpo(DPOConfig(**{name: 0.0}), 0.9)
