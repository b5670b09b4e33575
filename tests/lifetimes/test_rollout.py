"""Rollouts: true successors, resets that do not leak, complete episodes, and evaluations of first episodes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.lifetimes.rollout import evaluate_policy, rollout, start_workers
from tests._helpers.probes import make_probe


def _run(length, limit, steps, workers=3):
    env = make_probe(length, limit)
    agent = make_agent(env.observation, {"logits": 1}, AgentConfig())
    params, _ = agent.init(jax.random.key(0))
    level = env.sample_level(jax.random.key(0))
    start = start_workers(env, level, jax.random.key(1), workers)
    return env, agent, params, level, rollout(env, agent, params, level, start, jax.random.key(2), steps)


def test_termination_resets_after_the_true_successor():
    *_, (_, experience, episodes) = _run(length=3, limit=99, steps=7)
    assert experience.obs[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert experience.next_obs[:, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert experience.terminated[:, 0].tolist() == [False, False, True, False, False, True, False]
    assert not experience.truncated.any()
    assert (float(episodes.episodes), float(episodes.return_sum)) == (6.0, 6.0)


def test_truncation_is_no_termination_and_keeps_the_true_successor():
    *_, (workers, experience, episodes) = _run(length=9, limit=2, steps=5)
    assert experience.truncated[:, 0].tolist() == [False, True, False, True, False]
    assert experience.next_obs[:, 0].tolist() == [1, 2, 1, 2, 1]
    assert not experience.terminated.any()
    assert workers.obs.tolist() == [1, 1, 1]
    assert (float(episodes.episodes), float(episodes.return_sum)) == (6.0, 0.0)


def test_returns_do_not_leak_over_resets():
    *_, (workers, _, _) = _run(length=3, limit=99, steps=3)
    assert workers.episode_return.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("length", "limit", "expected"), [(40, 99, 1.0), (40, 20, 0.0), (1, 99, 1.0)])
def test_evaluation_counts_whole_first_episodes(length, limit, expected):
    env, agent, params, level, _ = _run(length, limit, steps=1)
    value = evaluate_policy(env, agent, agent.policy(params), level, jax.random.key(3), episodes=4)
    assert value.tolist() == [expected] * 4


def test_evaluation_averages_over_the_policy():
    env = make_probe(1, 9, rewards=(0.0, 1.0))
    agent = make_agent(env.observation, {"logits": 2}, AgentConfig())
    params = {"logits": jnp.broadcast_to(jnp.log(jnp.asarray([0.25, 0.75])), (2, 2))}
    value = evaluate_policy(env, agent, params, env.sample_level(jax.random.key(0)), jax.random.key(3), episodes=4000)
    np.testing.assert_allclose(value.mean(), 0.75, atol=0.03)
