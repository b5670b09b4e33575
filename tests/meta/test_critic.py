"""The meta-critic learns the value of a policy, across both kinds of episode end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.lifetimes.rollout import rollout, start_workers
from groove.meta.critic import HEADS, MetaCritic, begin_critic, critic_update
from tests._helpers.probes import make_probe


@pytest.mark.parametrize(
    ("length", "limit", "value"),
    [(3, 99, [0.25, 0.5, 1.0]), (9, 2, [0.0, 0.0, 0.0])],
    ids=["terminated", "truncated"],
)
def test_critic_learns_discounted_values(length, limit, value):
    env = make_probe(length, limit)
    actor = make_agent(env.observation, {"logits": 1}, AgentConfig())
    meta_critic = MetaCritic(make_agent(env.observation, HEADS, AgentConfig(critic_learning_rate=1.0)), 0.5, 0.8)
    params, _ = actor.init(jax.random.key(0))
    level = env.sample_level(jax.random.key(0))
    workers = start_workers(env, level, jax.random.key(0), 2)
    critic = begin_critic(meta_critic, jax.random.key(0))

    @jax.jit
    def update(critic, workers):
        workers, experience, _ = rollout(env, actor, params, level, workers, jax.random.key(1), 8)
        critic, _, error = critic_update(meta_critic, critic, experience)
        return critic, workers, error

    errors = []
    for _ in range(80):
        critic, workers, error = update(critic, workers)
        errors.append(float(error))
    np.testing.assert_allclose(critic.params["value"][:3, 0], jnp.asarray(value), atol=0.02)
    assert errors[-1] <= errors[0]
