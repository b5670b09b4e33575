"""Delayed chains: equal to a plain loop step by step, with the published distribution of levels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.base import Box, Discrete
from groove.envs.chain import KINDS, make_chain
from tests._helpers.reference import draw, nth

STEPS, LEVELS = 120, 16


class Chain:
    """An episode of a chain in plain Python."""

    def __init__(self, level, kind):
        self.length, self.noisy, self.kind = int(level.length), bool(level.noisy), kind

    def reset(self, word):
        self.time, self.right, self.first = 0, word % 2, None
        return self.observe(word)

    def step(self, action, word):
        self.time += 1
        if self.first is None:
            self.first, reward = action, 0
        else:
            reward = (1 if word % 2 else -1) if self.noisy else 0
        ends = self.time == self.length
        if ends:
            reward = 1 if self.first == self.right else -1
        return self.observe(word), reward, ends

    def observe(self, word):
        if self.kind == "tabular":
            return 2 * self.time + self.right
        return [self.right, self.first == self.right] + [word // 2**b % 2 for b in range(1, 21)]


@functools.partial(jax.jit, static_argnums=0)
def trajectory(family, levels, key):
    """Play random actions with auto-reset; leaves [T, N, ...]."""
    action_key, noise_key, reset_key = jax.random.split(key, 3)
    action = jax.random.randint(action_key, (STEPS, LEVELS), 0, 2)
    noise, first = family.noise(noise_key, (STEPS, LEVELS)), family.noise(reset_key, (LEVELS,))

    def one(level, state, action, noise):
        step = family.step(level, state, action, noise)
        fresh, fresh_obs = family.reset(level, noise)
        done = step.terminated | step.truncated
        return jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, step.state), (step, fresh_obs)

    start, start_obs = jax.vmap(family.reset)(levels, first)
    _, (step, fresh_obs) = jax.lax.scan(lambda state, xs: jax.vmap(one)(levels, state, *xs), start, (action, noise))
    return action, noise, first, start_obs, step, fresh_obs


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_is_the_reference(kind):
    family = make_chain(kind)
    levels = draw(family.sample_level, 0, LEVELS)
    run = trajectory(family, levels, jax.random.key(1))
    action, noise, first, start_obs, step, fresh_obs = jax.tree.map(np.asarray, run)
    episodes = 0
    for n in range(LEVELS):
        chain = Chain(nth(levels, n), kind)
        np.testing.assert_array_equal(start_obs[n], chain.reset(int(first.reset[n])))
        for t in range(STEPS):
            obs, reward, ends = chain.step(int(action[t, n]), int(noise.step[t, n]))
            np.testing.assert_array_equal(step.obs[t, n], obs)
            assert (step.reward[t, n], step.terminated[t, n], step.truncated[t, n]) == (reward, ends, False)
            if ends:
                np.testing.assert_array_equal(fresh_obs[t, n], chain.reset(int(noise.reset[t, n])))
                episodes += 1
    assert episodes > 2 * LEVELS
    assert levels.noisy.any() == (kind == "tabular")
    assert step.obs.max() < (family.observation.size if kind == "tabular" else 2)


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_are_as_declared(kind):
    family = make_chain(kind)
    level = nth(draw(family.sample_level, 0, 1), 0)
    noise = family.noise(jax.random.key(0), (3, 2))
    assert all(leaf.shape == (3, 2) for leaf in jax.tree.leaves(noise))
    _, obs = family.reset(level, jax.tree.map(lambda leaf: leaf[0, 0], noise))
    assert family.observation == (Discrete(102) if kind == "tabular" else Box((22,)))
    assert (obs.shape, obs.dtype) == (((), jnp.int32) if kind == "tabular" else ((22,), jnp.float32))
    assert (family.num_actions, family.max_steps(level), family.lifetime(level)) == (2, level.length, 250)


def test_lengths_are_those_of_the_mixture():
    levels = draw(make_chain("tabular", 10, 1000).sample_level, 2, 40_000)
    expected = np.zeros(60)
    expected[5:31] += 0.5 / 26
    expected[5:51] += 0.5 / 46
    for noisy in (False, True):
        of_kind = levels.length[levels.noisy == noisy]
        assert abs(len(of_kind) / 40_000 - 0.5) < 0.01
        np.testing.assert_allclose(np.bincount(of_kind, minlength=60) / len(of_kind), expected, atol=0.005)
    np.testing.assert_allclose(np.median(levels.lifetime), 100, rtol=0.05)
    assert (levels.lifetime.min(), levels.lifetime.max()) == (10, 1000)


def test_distractor_chains_are_short_and_quiet():
    levels = draw(make_chain("distractor").sample_level, 2, 40_000)
    frequency = np.bincount(levels.length, minlength=40) / 40_000
    np.testing.assert_allclose(frequency[5:31], 1 / 26, atol=0.005)
    assert frequency[5:31].sum() == 1
    assert not levels.noisy.any()


def test_a_key_determines_a_level():
    sample = make_chain().sample_level
    once, again, other = (draw(sample, seed, 32) for seed in (3, 3, 4))
    np.testing.assert_array_equal(once.length, again.length)
    assert (once.length != other.length).any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_observed_right_action_is_worth_the_optimal_return(kind):
    family = make_chain(kind)
    levels = draw(family.sample_level, 5, 8)

    def play(level, noise, follow):
        state, obs = family.reset(level, jax.tree.map(lambda leaf: leaf[0], noise))
        right = obs % 2 if kind == "tabular" else obs[0].astype(int)

        def body(carry, noise):
            state, ended = carry
            step = family.step(level, state, jnp.where(state.time == 0, jnp.where(follow, right, 1 - right), 0), noise)
            return (step.state, ended | step.terminated), jnp.where(ended, 0.0, step.reward)

        return jax.lax.scan(body, (state, jnp.bool_(False)), noise)[1].sum()

    batch = jax.jit(jax.vmap(jax.vmap(play, (None, 1, None)), (0, None, None)))
    noise = family.noise(jax.random.key(0), (50, 2000))
    best = np.asarray(jax.vmap(family.optimal_return)(levels))
    np.testing.assert_array_equal(best, np.ones(8))
    for follow, expected in [(True, best), (False, -best)]:
        returns = np.asarray(batch(levels, noise, follow))
        np.testing.assert_allclose(returns.mean(1), expected, atol=0.6)  # 4 standard errors of the longest noisy chain
        np.testing.assert_array_equal(returns[~levels.noisy], np.repeat(expected[~levels.noisy, None], 2000, 1))


def test_random_bits_are_fair_and_carry_no_information():
    family = make_chain("distractor")
    level = nth(draw(family.sample_level, 0, 1), 0)

    @jax.jit
    def first_step(key):
        noise = family.noise(key, (20_000,))
        state, fresh = jax.vmap(family.reset, (None, 0))(level, noise)
        return fresh, jax.vmap(family.step, (None, 0, None, 0))(level, state, jnp.int32(1), noise)

    fresh, step = jax.tree.map(np.asarray, first_step(jax.random.key(0)))
    drawn = np.column_stack([fresh, step.obs[:, 2:]])  # a step and the reset after it share an index, never a bit
    drawn = np.delete(drawn, 1, axis=1)
    np.testing.assert_allclose(drawn.mean(0), 0.5, atol=0.02)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.eye(41), atol=0.04)
    np.testing.assert_array_equal(step.obs[:, 1], fresh[:, 0] == 1)


@pytest.mark.parametrize(("kind", "longest"), [("tabular", 50), ("distractor", 30)])
def test_edits_change_the_length_within_its_range(kind, longest):
    family = make_chain(kind)
    levels = draw(family.sample_level, 0, 2000)
    mutate = jax.jit(lambda key: jax.vmap(family.mutate)(jax.random.split(key, 2000), levels))
    edited = jax.tree.map(np.asarray, mutate(jax.random.key(1)))
    change = np.asarray(edited.length) - levels.length
    assert set(change) == set(range(-5, 6))
    assert (edited.length.min(), edited.length.max()) == (5, longest)
    np.testing.assert_array_equal(edited.noisy, levels.noisy)
    np.testing.assert_array_equal(edited.lifetime, levels.lifetime)


def test_features_are_the_fields_of_the_level():
    family = make_chain()
    levels = draw(family.sample_level, 0, 8)
    for name, values in family.describe(levels).items():
        np.testing.assert_array_equal(values, getattr(levels, name).astype(np.float32))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match='unknown kind of chain "tabula" \\(did you mean "tabular"'):
        make_chain("tabula")
