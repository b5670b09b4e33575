"""gymnax's environments behind our interface: equal to gymnax's own steps, and played by our rollouts."""

import functools
from unittest import mock

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Box, Discrete
from groove.envs.external.gymnax import make_gymnax
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.lifetimes.rollout import rollout, start_workers

MINATAR = ["Asterix-MinAtar", "Breakout-MinAtar", "Freeway-MinAtar", "Seaquest-MinAtar", "SpaceInvaders-MinAtar"]
CLASSIC = ["CartPole-v1", "Acrobot-v1", "MountainCar-v0"]
BSUITE = ["Catch-bsuite", "DeepSea-bsuite", "DiscountingChain-bsuite"]
NAMES = [*MINATAR, *CLASSIC, *BSUITE, "FrozenLake-misc"]
PLANES = [*MINATAR, "Catch-bsuite", "DeepSea-bsuite"]
LIMITS = {"Catch-bsuite": 9, "DeepSea-bsuite": 8}  # these terminate on the very step of the limit
LIMIT, STEPS = 20, 50


def level_of(family):
    return family.sample_level(jax.random.key(0))


@functools.cache
def play(name):
    """Play random actions in gymnax's own step, which resets by itself, and in ours, reset by hand; leaves [T, ...].

    Both share one compiled game, because compiling takes seconds and only the code around the game is under test.
    """
    env, params = gymnax.make(name)
    limit = LIMITS.get(name, LIMIT)
    params = params.replace(max_steps_in_episode=limit)
    step_env, reset_env = env.step_env, env.reset_env
    env.step_env = jax.jit(lambda key, state, action, _: plain_arrays(step_env(key, state, action, params)))
    env.reset_env = jax.jit(lambda key, _: plain_arrays(reset_env(key, params)))
    with mock.patch("gymnax.make", return_value=(env, params)):
        family = make_gymnax(name, max_steps=limit)
    level, key = level_of(family), jax.random.key(1)
    ours, _ = family.reset(level, Keys(key, key))
    _, theirs = env.reset_env(key, params)
    record = []
    for t in range(STEPS):
        key, action_key = jax.random.split(jax.random.fold_in(key, t))
        action = jax.random.randint(action_key, (), 0, family.num_actions)
        noise = Keys(*jax.random.split(key))  # as gymnax splits it
        obs, theirs, *rest, info = type(env).step.__wrapped__(env, key, theirs, action, params)
        step = family.step(level, ours, action, noise)
        ended = bool(step.terminated | step.truncated)
        ours, seen = family.reset(level, noise) if ended else (step.state, step.obs)
        record.append((obs, *rest, info["final_observation"], step, seen))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *record)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_gymnax_s(name):
    obs, reward, terminated, truncated, final, step, seen = play(name)
    np.testing.assert_array_equal(step.obs.astype(np.float32), final)
    np.testing.assert_array_equal(seen.astype(np.float32), obs)
    np.testing.assert_array_equal(step.reward, reward)
    np.testing.assert_array_equal(step.terminated, terminated)
    np.testing.assert_array_equal(step.truncated, truncated & ~terminated)
    assert len(np.unique(final.reshape(STEPS, -1), axis=0)) > 5
    assert (obs != final).any(), "no episode has ended"


@pytest.mark.parametrize("name", NAMES)
def test_an_episode_ends_in_one_way(name):
    _, _, terminated, truncated, _, step, _ = play(name)
    assert not (step.terminated & step.truncated).any()
    assert (step.terminated | step.truncated).sum() >= STEPS // LIMIT
    assert (terminated & truncated).any() == (name in LIMITS)


@pytest.mark.parametrize("name", PLANES)
def test_planes_lose_nothing_as_bool(name):
    *_, final, step, _ = play(name)
    assert step.obs.dtype == bool
    assert set(np.unique(final)) == {0.0, 1.0}


@pytest.mark.parametrize("name", sorted(set(gymnax.registered_envs) - {"MNISTBandit-bsuite"}))  # it downloads data
def test_spaces_are_as_declared(name):
    env, params = gymnax.make(name)
    if not isinstance(env.action_space(params), spaces.Discrete):
        with pytest.raises(ValueError, match=f'"{name}" has continuous actions'):
            make_gymnax(name)
        return
    family = make_gymnax(name, lifetime=7)
    level = level_of(family)
    state, obs = jax.eval_shape(family.reset, level, Keys(jax.random.key(0), jax.random.key(0)))
    step = jax.eval_shape(family.step, level, state, jnp.int32(0), Keys(jax.random.key(0), jax.random.key(0)))
    dtype = jnp.bool_ if name in [*PLANES, "Pong-misc"] else jnp.float32
    if name == "FrozenLake-misc":
        assert family.observation == Discrete(16)
        dtype = jnp.int32
    else:
        assert family.observation == Box(obs.shape)
    for seen in (obs, step.obs):
        assert (seen.shape, seen.dtype) == (getattr(family.observation, "shape", ()), dtype)
    for flag in (step.reward, step.terminated, step.truncated):
        assert (flag.shape, flag.dtype) == ((), jnp.float32 if flag is step.reward else jnp.bool_)
    assert jax.tree.structure(step.state) == jax.tree.structure(state)
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(step.state)):
        assert (before.shape, before.dtype, after.weak_type) == (after.shape, after.dtype, before.weak_type)
    assert (int(family.lifetime(level)), level.dtype) == (7, jnp.int32)
    assert (family.num_actions, int(family.max_steps(level))) == (env.num_actions, params.max_steps_in_episode)


def test_the_time_limit_truncates_at_the_true_successor():
    short, long = make_gymnax("CartPole-v1", max_steps=5), make_gymnax("CartPole-v1")
    level = level_of(short)

    @jax.jit
    def run(noise):
        def body(states, noise):
            steps = [f.step(level, s, jnp.int32(1), noise) for f, s in zip((short, long), states)]
            return tuple(step.state for step in steps), steps

        first = jax.tree.map(lambda leaf: leaf[0], noise)
        return jax.lax.scan(body, tuple(f.reset(level, first)[0] for f in (short, long)), noise)[1]

    cut, uncut = run(short.noise(jax.random.key(0), (5,)))
    assert cut.truncated.tolist() == [False] * 4 + [True]
    assert not cut.terminated.any()
    assert not (uncut.truncated | uncut.terminated).any()
    np.testing.assert_array_equal(cut.obs, uncut.obs)
    assert cut.obs[4, 1] > 0.5  # pushed to the right five times; a reset would be slower than 0.05
    assert (int(short.max_steps(level)), int(long.max_steps(level))) == (5, 500)


def test_deep_sea_ends_by_terminating():
    family = make_gymnax("DeepSea-bsuite")
    assert family.max_steps(level_of(family)) == LIMITS["DeepSea-bsuite"] == 8  # gymnax's own limit is where it ends
    *_, step, _ = play("DeepSea-bsuite")
    assert np.flatnonzero(step.terminated).tolist() == [7, 15, 23, 31, 39, 47]
    assert not step.truncated.any()


def cartpole(obs, action):
    """Return the successor by the equations of motion, in Euler steps of 0.02 s."""
    x, v, angle, spin = np.asarray(obs, np.float64).T
    push = (np.where(np.asarray(action).T == 1, 10, -10) + 0.05 * spin**2 * np.sin(angle)) / 1.1
    torque = (9.8 * np.sin(angle) - np.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
    sideways = push - 0.05 * torque * np.cos(angle) / 1.1
    return np.stack([x + 0.02 * v, v + 0.02 * sideways, angle + 0.02 * spin, spin + 0.02 * torque]).T


def test_our_rollout_keeps_the_true_final_observation():
    env = make_gymnax("CartPole-v1", max_steps=15)
    agent = make_agent(env.observation, {"logits": 2}, AgentConfig(torso="mlp", widths=(4,)))
    level = level_of(env)

    @jax.jit
    def run(key):
        params, _ = agent.init(key)
        return rollout(env, agent, params, level, start_workers(env, level, key, 8), key, 50)

    _, seen, episodes = run(jax.random.key(2))
    assert seen.terminated.any()
    assert seen.truncated.any()
    ended = np.asarray(seen.terminated | seen.truncated)
    assert episodes.episodes == ended.sum()
    np.testing.assert_allclose(seen.next_obs, cartpole(seen.obs, seen.action), rtol=1e-4, atol=1e-5)
    fallen = (np.abs(seen.next_obs[..., 0]) > 2.4) | (np.abs(seen.next_obs[..., 2]) > np.deg2rad(12))
    np.testing.assert_array_equal(seen.terminated, fallen)
    later, ended = np.asarray(seen.obs[1:]), ended[:-1]
    np.testing.assert_array_equal(later[~ended], np.asarray(seen.next_obs[:-1])[~ended])
    assert np.abs(later[ended]).max() <= 0.05  # where CartPole starts


@pytest.mark.parametrize(
    ("name", "kw", "complaint"),
    [
        ("CartPole-v0", {}, "unknown gymnax environment .CartPole-v0. .did you mean .CartPole-v1."),
        ("Breakout", {}, "did you mean .Breakout-MinAtar."),
        ("Pendulum-v1", {}, "continuous actions"),
        ("CartPole-v1", {"max_steps": 0}, "must be positive"),
    ],
)
def test_unusable_environments_are_refused(name, kw, complaint):
    with pytest.raises(ValueError, match=complaint):
        make_gymnax(name, **kw)
