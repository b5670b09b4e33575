"""Disco103 as an update rule, with weights of random numbers: replay, steps, the target network and the memory."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Box, Discrete
from groove.lifetimes import lifetime
from groove.lpg.base import begin_under
from groove.lpg.disco.config import DiscoConfig
from groove.lpg.disco.rule import Stepped, as_trajectories, begin_state, by_worker, learn, make_disco
from groove.lpg.disco.weights import from_arrays
from groove.types import Rollout
from tests._helpers.disco import synthetic_weights
from tests._helpers.probes import make_probe

N, T, W, A = 2, 4, 3, 2
WEIGHTS = from_arrays(synthetic_weights(), "synthetic")
CONFIG = DiscoConfig(uses=2, batch=3, capacity=7, widths=(5,), model_width=4, learning_rate=1e-2)
RULE = make_disco(CONFIG)
AGENT = make_agent(Box((2,)), RULE.heads(A), RULE.adapt_agent(AgentConfig(torso="mlp")))
UPDATE = jax.jit(lambda learner, rollout, keys: RULE.update(WEIGHTS, AGENT, learner, rollout, keys))
KEYS = jax.random.split(jax.random.key(5), N)


def _rollout(seed):
    rng = np.random.default_rng(seed)
    ends, obs = rng.integers(0, 5, (N, T, W)), rng.normal(size=(2, N, T, W, 2)).astype(np.float32)
    action, reward = rng.integers(0, A, (N, T, W), np.int32), rng.normal(size=(N, T, W)).astype(np.float32)
    return Rollout(obs[0], action, reward, ends == 0, ends == 1, obs[1])


@pytest.fixture(scope="module")
def born():
    blank = jax.tree.map(lambda x: jnp.zeros_like(x[0]), _rollout(0))
    begin = jax.jit(jax.vmap(lambda key: begin_under(RULE, AGENT, key, jnp.int32(9), blank)))
    return begin(jax.random.split(jax.random.key(0), N))


@pytest.mark.parametrize(
    ("settings", "workers", "plan"),
    [({}, 2, (1, 64)), ({}, 64, (32, 64)), ({}, 1, (1, 32)), ({}, 3, (2, 48)), ({"uses": 1, "batch": 5}, 7, (7, 1))],
)
def test_every_transition_is_used_as_often_as_the_settings_say(settings, workers, plan):
    config = DiscoConfig(**settings)
    steps, batch = config.steps_and_batch(workers)
    assert (steps, batch) == plan
    assert steps * batch == config.uses * workers


@pytest.mark.slow
def test_an_agent_waits_until_its_replay_holds_a_batch():
    rule = make_disco(dataclasses.replace(CONFIG, batch=6))
    blank = jax.tree.map(lambda x: jnp.zeros_like(x[0]), _rollout(0))
    learner = jax.tree.map(lambda x: x[None], begin_under(rule, AGENT, jax.random.key(0), jnp.int32(9), blank))
    update = jax.jit(lambda *args: rule.update(WEIGHTS, AGENT, *args))
    first = jax.tree.map(lambda x: x[:1], _rollout(1))
    waited, info = update(learner, first, KEYS[:1])
    jax.tree.map(np.testing.assert_array_equal, waited.params, learner.params)
    assert np.isnan(info.metrics["loss"]).all()
    assert (waited.updates.tolist(), waited.rule_state.replay.added.tolist()) == ([1], [W])
    moved, info = update(waited, first, KEYS[:1])
    assert np.isfinite(info.metrics["loss"]).all()
    assert all(bool((x != y).any()) for x, y in zip(*map(jax.tree.leaves, (moved.params, waited.params)), strict=True))


def test_an_update_takes_its_steps_on_trajectories_of_the_replay(born):
    rollout = _rollout(1)
    after, info = UPDATE(born, rollout, KEYS)
    one = jax.tree.map(lambda x: x[0], (born, rollout, after))
    learner, mine, _ = one
    logits = AGENT.read(learner.params, mine.obs, ("logits",))[1]["logits"]
    stored = by_worker(mine, logits)
    now = Stepped(learner.params, learner.opt_state, learner.rule_state.state)
    step = jax.jit(lambda now, batch: learn(WEIGHTS, AGENT, now, batch))
    losses = []
    for key in jax.random.split(KEYS[0], 2):  # 2 uses of 3 trajectories, 3 at once
        chosen = np.asarray(jax.random.randint(key, (3,), 0, 3))
        target = now.state.target
        before = now.params
        now, metrics = step(now, jax.tree.map(lambda x, chosen=chosen: x[chosen].swapaxes(0, 1), stored))
        losses.append(float(metrics["loss"]))
        jax.tree.map(
            lambda x, y, z: np.testing.assert_allclose(x, 0.9 * y + 0.1 * z, rtol=1e-5, atol=1e-7),
            now.state.target,
            target,
            before,
        )
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-4, atol=1e-5), after.params, now.params)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-3, atol=1e-5), after.rule_state.state, now.state
    )
    np.testing.assert_allclose(info.metrics["loss"][0], np.mean(losses), rtol=1e-4)


def test_an_update_follows_its_keys_and_agents_do_not_see_each_other(born):
    rollout = _rollout(2)
    both, _ = UPDATE(born, rollout, KEYS)
    again, _ = UPDATE(born, rollout, KEYS)
    jax.tree.map(np.testing.assert_array_equal, both, again)
    other, _ = UPDATE(born, rollout, KEYS[::-1])
    assert bool((both.params["head_q"]["w"] != other.params["head_q"]["w"]).any())
    changed = dataclasses.replace(rollout, reward=rollout.reward * np.asarray([1.0, 9.0], np.float32)[:, None, None])
    mixed, _ = UPDATE(born, changed, KEYS)
    jax.tree.map(lambda x, y: np.testing.assert_array_equal(x[0], y[0]), both, mixed)
    assert bool((both.params["head_q"]["w"][1] != mixed.params["head_q"]["w"][1]).any())


def test_the_replay_keeps_the_logits_that_acted(born):
    first = _rollout(3)
    after, _ = UPDATE(born, first, KEYS)
    kept = after.rule_state.replay.stored
    acted = jax.vmap(lambda p, o: AGENT.read(p, o, ("logits",))[1]["logits"])(born.params, first.obs)
    np.testing.assert_allclose(kept.seen.behaviour[:, :W].swapaxes(1, 2), acted, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(kept.obs[:, :W, -1], first.next_obs[:, -1])
    np.testing.assert_array_equal(kept.seen.ended[:, :W].swapaxes(1, 2), first.terminated | first.truncated)
    later, _ = UPDATE(after, _rollout(4), KEYS)
    np.testing.assert_array_equal(later.rule_state.replay.stored.seen.behaviour[:, :W], kept.seen.behaviour[:, :W])


def test_a_life_is_the_same_however_it_is_split():
    env = make_probe(3, 5, rewards=(0.3, 1.0))
    agent = make_agent(env.observation, RULE.heads(2), RULE.adapt_agent(AgentConfig()))
    level = jax.tree.map(lambda x: x[None], env.sample_level(jax.random.key(0)))
    begin = jax.jit(jax.vmap(lambda lv, k: lifetime.begin(env, agent, RULE, lv, jnp.int32(4), k, W, T)))
    live = jax.jit(lambda lives, n: lifetime.live(env, agent, RULE, WEIGHTS, lives, level, T, n)[0])
    born = begin(level, jax.random.split(jax.random.key(1), 1))
    whole, parts = live(born, 4), live(live(born, 1), 3)
    jax.tree.map(np.testing.assert_array_equal, whole.learner, parts.learner)
    assert whole.learner.rule_state.replay.added.tolist() == [4 * W]


def test_a_mask_hides_losses():
    rollout = jax.tree.map(lambda x: x[0], _rollout(6))
    params, opt_state = AGENT.init(jax.random.key(2))
    logits = AGENT.read(params, rollout.obs, ("logits",))[1]["logits"]
    now, batch = Stepped(params, opt_state, begin_state(params)), as_trajectories(rollout, logits)
    step = jax.jit(lambda mask: learn(WEIGHTS, AGENT, now, batch, mask))
    shown, hidden = step(jnp.ones((T, W))), step(jnp.zeros((T, W)))
    assert float(hidden[1]["loss"]) == 0.0 < float(shown[1]["loss"])
    jax.tree.map(np.testing.assert_array_equal, hidden[0].params, params)


def test_agents_with_indices_are_networks():
    assert make_agent(Discrete(4), RULE.heads(2), RULE.adapt_agent(AgentConfig())).policy
