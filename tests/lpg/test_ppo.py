"""PPO: the surrogate by hand, the first step of A2C, the steps of plain optax, and passes over all transitions."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from groove import ops
from groove.agents.agent import AgentConfig, begin_learner, make_agent
from groove.envs.base import Box, Discrete
from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.ppo import PPOConfig, clipped_surrogate, counted_minibatches, make_ppo, minibatch_indices
from groove.types import Rollout

N, T, W, A, STATES, DISCOUNT = 2, 4, 3, 3, 9, 0.9
AGENTS = {
    "table": (Discrete(STATES), AgentConfig(learning_rate=2.0, critic_learning_rate=0.5)),
    "mlp": (Box((5,)), AgentConfig(torso="mlp", widths=(8,), optimizer="adam", learning_rate=0.1, max_grad_norm=1e3)),
}
KEYS = jax.random.split(jax.random.key(0), N)


def _start(name):
    """Return an agent, N learners with policies that are not uniform, and rollouts with both kinds of ends."""
    space, config = AGENTS[name]
    agent = make_agent(space, {"logits": A, "value": 1}, config)
    learner = jax.jit(jax.vmap(lambda key: begin_learner(agent, key, jnp.int32(9))))(KEYS)
    rng = np.random.default_rng(0)
    noisy = jax.tree.map(lambda x: np.asarray(x) + 0.3 * rng.normal(size=x.shape).astype(np.float32), learner.params)

    def observe():
        if name == "table":
            return rng.integers(0, STATES - 2, (N, T, W), np.int32)
        return rng.normal(size=(N, T, W, *space.shape)).astype(np.float32)

    ends = rng.integers(0, 5, (N, T, W))
    rollout = Rollout(
        obs=observe(),
        action=rng.integers(0, A, (N, T, W), np.int32),
        reward=rng.normal(size=(N, T, W)).astype(np.float32),
        terminated=ends == 0,
        truncated=ends == 1,
        next_obs=observe(),
    )
    return agent, dataclasses.replace(learner, params=noisy), rollout


def _updater(rule, agent):
    return jax.jit(lambda learner, rollout, keys: rule.update((), agent, learner, rollout, keys))


def test_surrogate_and_its_gradient_by_hand():
    ratio = jnp.asarray([1.5, 1.5, 0.5, 0.5, 1.1, 0.9])
    advantage = jnp.asarray([2.0, -2.0, 2.0, -2.0, 2.0, -2.0])
    value = clipped_surrogate(jnp.log(ratio), advantage, 0.2)
    np.testing.assert_allclose(value, [2.4, -3.0, 1.0, -1.6, 2.2, -1.8], rtol=1e-6)
    slope = jax.grad(lambda x: clipped_surrogate(x, advantage, 0.2).sum())(jnp.log(ratio))
    # the derivative by log r is r A, and 0 where r lies beyond the clip in the direction of A
    np.testing.assert_allclose(slope, [0.0, -3.0, 1.0, 0.0, 2.2, -1.8], rtol=1e-6)


@pytest.mark.parametrize("name", AGENTS)
def test_a_single_step_is_the_step_of_a2c(name):
    agent, learner, rollout = _start(name)
    rule = make_ppo(PPOConfig(clip=math.inf, epochs=1, minibatches=1, scale_rewards=False), DISCOUNT)
    ppo, info = _updater(rule, agent)(learner, rollout, KEYS)
    a2c, expected = _updater(make_a2c(A2CConfig(), DISCOUNT), agent)(learner, rollout, KEYS)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), ppo, a2c)
    np.testing.assert_allclose(info.metrics["value_error"], expected.metrics["value_error"], rtol=1e-6)
    assert info.metrics["clip_fraction"].tolist() == [0.0] * N


def test_every_step_descends_the_loss_of_its_minibatch():
    config = PPOConfig(clip=0.2, epochs=3, minibatches=2, normalise_advantages=False, scale_rewards=False)
    agent, learner, rollout = _start("mlp")
    after, info = _updater(make_ppo(config, DISCOUNT), agent)(learner, rollout, KEYS)
    params, one = jax.tree.map(lambda x: x[0], (learner.params, rollout))
    flat = jax.tree.map(lambda x: x.reshape(T * W, *x.shape[2:]), one)

    def heads(params, obs):
        outputs = agent.read(params, obs, ("logits", "value"))[1]
        return jax.nn.log_softmax(outputs["logits"]), outputs["value"][..., 0]

    @jax.jit
    def fixed(params):
        (log_probs, value), (_, next_value) = heads(params, one.obs), heads(params, one.next_obs)
        ends = (one.reward, value, next_value, one.terminated, one.truncated)
        advantage = ops.generalised_advantage(*ends, DISCOUNT, config.trace)
        old = log_probs.reshape(T * W, A)[jnp.arange(T * W), flat.action]
        return old, advantage.reshape(-1), (value + advantage).reshape(-1)

    old, advantage, target = fixed(params)

    def loss(params, index):
        log_probs, value = heads(params, jnp.asarray(flat.obs)[index])
        ratio = jnp.exp(log_probs[jnp.arange(len(index)), jnp.asarray(flat.action)[index]] - old[index])
        gain = advantage[index]
        bounded = jnp.where(gain > 0, jnp.minimum(ratio, 1 + config.clip), jnp.maximum(ratio, 1 - config.clip))
        entropy = -jnp.sum(jnp.exp(log_probs) * log_probs, axis=-1)
        loss = -bounded * gain - config.entropy_coefficient * entropy + 0.5 * (value - target[index]) ** 2
        return loss.mean(), (jnp.abs(ratio - 1) > config.clip).mean()

    @jax.jit
    def descend(params, moments, index):
        gradient, fraction = jax.grad(loss, has_aux=True)(params, index)
        step, moments = adam.update(gradient, moments)
        return optax.apply_updates(params, step), moments, fraction

    adam, beyond = optax.adam(AGENTS["mlp"][1].learning_rate), []
    moments = adam.init(params)
    for index in np.asarray(minibatch_indices(KEYS[0], T * W, config.epochs, config.minibatches)):
        params, moments, fraction = descend(params, moments, index)
        beyond.append(float(fraction))
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x[0], y, rtol=1e-4, atol=1e-5), after.params, params)
    np.testing.assert_allclose(info.metrics["clip_fraction"][0], np.mean(beyond), rtol=1e-6)
    assert beyond[0] == 0.0 < max(beyond)


def test_an_update_follows_its_keys_and_moves_visited_rows():
    agent, learner, rollout = _start("table")
    update = _updater(make_ppo(PPOConfig(scale_rewards=False), DISCOUNT), agent)
    after, info = update(learner, rollout, KEYS)
    again, _ = update(learner, rollout, KEYS)
    other, _ = update(learner, rollout, KEYS[::-1])
    jax.tree.map(np.testing.assert_array_equal, after, again)
    assert bool((after.params["logits"] != other.params["logits"]).any())
    assert after.updates.tolist() == [1] * N
    assert {name: x.shape for name, x in info.metrics.items()} == {"value_error": (N,), "clip_fraction": (N,)}
    for i in range(N):
        visited = np.isin(np.arange(STATES), rollout.obs[i])
        for name in ("logits", "value"):
            moved = np.asarray(after.params[name][i] != learner.params[name][i]).any(-1)
            np.testing.assert_array_equal(moved, visited)


def test_every_pass_has_its_own_permutation():
    passes = [minibatch_indices(key, 12, epochs=2, minibatches=4) for key in KEYS]
    assert passes[0].shape == (8, 3)
    orders = [p.reshape(2, 12)[i] for p in passes for i in range(2)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(12))
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_wrong_minibatches_epochs_and_clips_are_refused():
    agent, learner, rollout = _start("table")
    with pytest.raises(ValueError, match=r"does not divide the 12 transitions.* such as 4"):
        jax.eval_shape(
            _updater(make_ppo(PPOConfig(minibatches=5, scale_rewards=False), DISCOUNT), agent), learner, rollout, KEYS
        )
    wrong = {"epochs": (0, "between 1 and 10000"), "minibatches": (0, "at least 1"), "clip": (0.0, "above 0")}
    for name, (value, complaint) in [*wrong.items(), ("clip", (math.nan, "above 0"))]:
        with pytest.raises(ValueError, match=f"ppo.{name} = {value} must be {complaint}"):
            make_ppo(PPOConfig(**{name: value}), DISCOUNT)


@pytest.mark.parametrize("hidden", [0, 1, 5, 10, 12])
def test_minibatches_under_a_mask_hold_every_row_that_counts_once(hidden):
    parts = minibatch_indices(KEYS[0], 12, epochs=2, minibatches=4)
    mask = jax.random.permutation(KEYS[1], jnp.arange(12) >= hidden)
    index, counted = counted_minibatches(parts, mask, 4)
    for one_pass, counts in zip(index.reshape(2, 4, 3), counted.reshape(2, 4, 3), strict=True):
        np.testing.assert_array_equal(np.sort(one_pass[counts]), np.flatnonzero(mask))
        assert np.ptp(counts.sum(-1)) <= 1
    if not hidden:
        np.testing.assert_array_equal(index, parts)
