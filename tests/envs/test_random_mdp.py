"""Random decision processes: equal to a plain loop step by step, solved by induction, and valid when edited."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.random_mdp import ACTIONS, STATES, make_random_mdps, optimal_return
from tests._helpers.reference import draw, nth

STEPS, LEVELS = 150, 24
FAMILY = make_random_mdps(100, 1000)


@pytest.fixture(scope="module")
def levels():
    return draw(FAMILY.sample_level, 0, LEVELS)


def test_every_step_is_the_reference(levels):
    rng = np.random.default_rng(0)
    actions = rng.integers(0, ACTIONS, (STEPS, LEVELS))
    words = np.asarray(FAMILY.noise(jax.random.key(0), (STEPS, LEVELS)))

    @jax.jit
    def play(levels, actions, words):
        def body(state, xs):
            step = jax.vmap(FAMILY.step)(levels, state, *xs)
            done = step.terminated | step.truncated
            fresh, _ = jax.vmap(FAMILY.reset)(levels, xs[1])
            return jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, step.state), step

        start, _ = jax.vmap(FAMILY.reset)(levels, words[0])
        return jax.lax.scan(body, start, (actions, words))[1]

    step = jax.tree.map(np.asarray, play(levels, actions, words))
    ends = {"terminated": 0, "truncated": 0}
    for n in range(LEVELS):
        level, state, time = nth(levels, n), 0, 0
        for t in range(STEPS):
            action = actions[t, n]
            second = int(words[t, n]) % 65536 >= level.threshold[state, action]
            reward, state, time = level.reward[state, action], level.successor[state, action, int(second)], time + 1
            terminated = bool(level.terminal[state])
            truncated = not terminated and time == level.limit
            assert (step.obs[t, n, 0], step.reward[t, n]) == (state, reward)
            assert (step.terminated[t, n], step.truncated[t, n]) == (terminated, truncated)
            ends["terminated"] += terminated
            ends["truncated"] += truncated
            if terminated or truncated:
                state = time = 0
    assert min(ends.values()) > 10


def test_optimal_returns_are_those_of_backward_induction_in_numpy(levels):
    solved = np.asarray(jax.jit(jax.vmap(optimal_return))(levels))
    for n in range(LEVELS):
        level = nth(levels, n)
        value = np.zeros(STATES)
        for _ in range(int(level.limit)):
            best = np.empty(STATES)
            for s in range(STATES):
                gains = []
                for a in range(ACTIONS):
                    chances = np.array([level.threshold[s, a], 65536 - level.threshold[s, a]]) / 65536
                    after = [0.0 if level.terminal[j] else value[j] for j in level.successor[s, a]]
                    gains.append(level.reward[s, a] + chances @ after)
                best[s] = max(gains)
            value = best
        np.testing.assert_allclose(solved[n], value[0], rtol=1e-3, atol=1e-4)
    assert (solved >= 0).mean() > 0.8


def test_levels_and_their_edits_are_valid_and_edits_change_one_pair(levels):
    mutate = jax.jit(jax.vmap(FAMILY.mutate))
    edited = jax.tree.map(np.asarray, mutate(jax.random.split(jax.random.key(1), LEVELS), levels))
    for both in (levels, edited):
        assert both.successor.min() >= 0
        assert both.successor.max() < STATES
        assert not both.terminal[:, 0].any()
        assert np.isfinite(both.reward).all()
    changed = (edited.successor != levels.successor).any(-1) | (edited.reward != levels.reward)
    assert changed.sum((1, 2)).max() == 1
    assert changed.any((1, 2)).mean() > 0.7
    assert (levels.lifetime.min() >= 100) & (levels.lifetime.max() <= 1000)


def test_features_and_keys(levels):
    features = FAMILY.describe(nth(levels, 0))
    assert set(features) == {"states", "paying_share", "stochastic_share", "terminal_states", "limit", "lifetime"}
    for i in range(LEVELS):
        level = nth(levels, i)
        found, count = FAMILY.describe(level), int(level.successor.max()) + 1
        assert found["states"] == count
        assert found["terminal_states"] == level.terminal[:count].sum()
        assert found["paying_share"] == pytest.approx((level.reward[:count] != 0).mean())
        assert found["stochastic_share"] == pytest.approx((level.threshold[:count] < 2**16).mean())
    again = draw(FAMILY.sample_level, 0, LEVELS)
    jax.tree.map(np.testing.assert_array_equal, levels, again)
