"""The generator of levels: random before learning, a policy gradient afterwards, and able to find a planted regret."""

import dataclasses
import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.generators import factored
from groove.curriculum.generators.factored import Choices
from groove.curriculum.generators.generator import GeneratorConfig, entropy_floor
from groove.curriculum.sources.registry import make_source
from groove.envs.base import Design, Factor
from groove.envs.gridworld.levels import GridSizes, LevelDistribution

K = 4
CONFIG = GeneratorConfig(bins=K, entropy=0.0)
DESIGN = Design(lambda u: u, 5, (Factor("first", (1,)), Factor("both", (0, 3)), Factor("third", (4,))))
CORNERS = Design(lambda u: u, 3, tuple(Factor(f"{i}", (i,)) for i in range(3)))
LOGITS = jnp.asarray(np.random.default_rng(0).normal(size=(3, K)), jnp.float32)


def test_an_untrained_generator_draws_random_levels():
    u, choices = factored.draw(DESIGN, factored.init(DESIGN, CONFIG), jax.random.key(0), 20_000)
    assert choices.designed.all()
    np.testing.assert_allclose(choices.log_prob, np.full((20_000, 4), -np.log(K)), rtol=1e-6)
    assert (u >= 0).all()
    assert (u < 1).all()
    for column in range(5):
        np.testing.assert_allclose(np.histogram(u[:, column], 10, (0, 1))[0], 2000, rtol=0.1)
    np.testing.assert_allclose(np.corrcoef(u.T), np.eye(5), atol=0.03)  # those of one factor, too


def test_an_untrained_generator_reaches_every_world():
    """Whether there is a delay, and how long it is, are drawn apart; so are the movements of the classes."""
    env = make_source("worlds", LevelDistribution(), GridSizes(), jax.random.key(0))
    state = factored.init(env.design, GeneratorConfig())
    designed = jax.jit(lambda key: factored.draw(env.design, state, key, 2000)[0])(jax.random.key(0))
    random = jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(1), 2000))
    for field in ("delay", "p_sticky", "step_reward"):
        both = (np.asarray(getattr(levels, field), float) for levels in (designed, random))
        np.testing.assert_allclose(*(np.quantile(x, [0, 0.25, 0.75, 0.99]) for x in both), rtol=0.15, atol=0.01)
    alike = [(np.ptp(levels.classes.movement[:, 1:], axis=1) == 0).mean() for levels in (designed, random)]
    np.testing.assert_allclose(*alike, atol=0.03)


def test_levels_lie_in_the_bins_that_were_drawn():
    state = dataclasses.replace(factored.init(DESIGN, CONFIG), logits=LOGITS)
    u, choices = factored.draw(DESIGN, state, jax.random.key(1), 5000)
    owner, places = [0, 1, 1, 2], [1, 0, 3, 4]
    np.testing.assert_array_equal(factored.owners(DESIGN), owner)
    np.testing.assert_array_equal(np.floor(u[:, places] * K), choices.bins)
    seen = [np.bincount(column, minlength=K) / 5000 for column in choices.bins.T]
    np.testing.assert_allclose(seen, jax.nn.softmax(LOGITS)[np.asarray(owner)], atol=0.03)
    expected = np.log(jax.nn.softmax(LOGITS))[owner, choices.bins]
    np.testing.assert_allclose(choices.log_prob, expected, rtol=1e-5)


def test_the_policy_gradient_is_that_of_the_expected_score():
    """Two factors of two bins: all four levels are enumerated, weighted by their probabilities."""
    bins = jnp.asarray(list(itertools.product(range(2), repeat=2)), jnp.int32)
    score = np.array([1.0, -0.5, 2.0, 0.3])
    logits = jnp.asarray([[0.3, -0.2], [0.1, 0.7]])
    design = Design(lambda u: u, 2, (Factor("first", (0,)), Factor("second", (1,))))
    choices = Choices(bins, factored.log_prob(design, logits, bins))
    weight = 10 * jnp.exp(choices.log_prob.sum(1))  # the divisor is at least one
    gradient = jax.grad(factored.objective)(logits, design, choices, jnp.asarray(score), weight, CONFIG)

    def expected_score(x):
        p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
        return sum(p[0, a] * p[1, b] * score[2 * a + b] for a, b in itertools.product(range(2), repeat=2))

    base, numeric = np.asarray(logits, np.float64), np.zeros((2, 2))
    for place in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[place] = 1e-5
        numeric[place] = (expected_score(base + step) - expected_score(base - step)) / 2e-5
    np.testing.assert_allclose(gradient, numeric, atol=1e-5)


def test_entropy_is_a_share_of_the_largest():
    np.testing.assert_allclose(factored.entropy(jnp.zeros((3, K))), 1.0, rtol=1e-6)
    np.testing.assert_allclose(factored.entropy(jnp.asarray([[50.0, 0.0], [0.0, 0.0]])), 0.5, rtol=1e-6)
    even = factored.learn(
        DESIGN,
        dataclasses.replace(CONFIG, entropy=1.0),
        _one_sided(),
        _bins_of(_one_sided()),
        jnp.zeros(8),
        jnp.ones(8, bool),
    )
    assert factored.entropy(even.logits) > factored.entropy(_one_sided().logits)


def test_no_bin_is_lost():
    state, floor = _one_sided(), entropy_floor(CONFIG.max_odds, K)
    for seed in range(200):  # the likely bin is always rewarded
        choices = _bins_of(state, seed)
        state = factored.learn(DESIGN, CONFIG, state, choices, (choices.bins == 0).sum(1) * 1.0, jnp.ones(8, bool))
    p = jax.nn.softmax(state.logits)
    np.testing.assert_allclose(p.max(1) / p.min(1), CONFIG.max_odds, rtol=1e-4)
    np.testing.assert_allclose(factored.entropy(state.logits), floor, rtol=1e-4)
    p = 50 / 53
    np.testing.assert_allclose(floor, -(p * np.log(p) + 3 * (1 / 53) * np.log(1 / 53)) / np.log(4), rtol=1e-6)


def _one_sided():
    logits = jnp.asarray([[1.9, -1.9, -1.9, -1.9]] * 3)
    return dataclasses.replace(factored.init(DESIGN, CONFIG), logits=logits)


def _bins_of(state, seed=0):
    return factored.draw(DESIGN, state, jax.random.key(seed), 8)[1]


@partial(jax.jit, static_argnames=("steps", "config"))
def _search(seed, steps, config):
    """Let a generator learn from the regret 1 in one corner of the space of levels, and noise everywhere."""

    def step(state, key):
        draw_key, noise_key = jax.random.split(key)
        _, choices = factored.draw(CORNERS, state, draw_key, 16)
        corner = (choices.bins == jnp.asarray([3, 0, 1])).all(1)
        score = corner + 0.3 * jax.random.normal(noise_key, (16,)) + 0.2 * (choices.bins[:, 1] == 0)
        return factored.learn(CORNERS, config, state, choices, score, jnp.ones(16, bool)), corner.mean()

    keys = jax.random.split(jax.random.key(seed), steps)
    return jax.lax.scan(step, factored.init(CORNERS, config), keys)


def test_a_generator_finds_the_corner_where_regret_was_planted():
    found = [float(_search(seed, 600, CONFIG)[1][-50:].mean()) for seed in range(20)]
    assert min(found) > 0.75, found  # 1/64 by chance, (50/53)^3 at most


def test_a_bin_that_has_moved_far_does_not_clip_the_others_away():
    """The first bin is three times as likely as when the level was designed, so a good score moves only the second."""
    design = Design(lambda u: u, 2, (Factor("first", (0,)), Factor("second", (1,))))
    logits, bins = jnp.zeros((2, K)), jnp.asarray([[0, 1]], jnp.int32)
    choices = Choices(bins, jnp.asarray([[np.log(1 / K / 3), np.log(1 / K)]]))
    gradient = jax.grad(factored.objective)(logits, design, choices, jnp.ones(1), jnp.ones(1), CONFIG)
    np.testing.assert_allclose(gradient, [[0.0] * K, np.eye(K)[1] - 1 / K], atol=1e-6)
    gradient = jax.grad(factored.objective)(logits, design, choices, -jnp.ones(1), jnp.ones(1), CONFIG)
    np.testing.assert_allclose(gradient, [3 * (1 / K - np.eye(K)[0]), 1 / K - np.eye(K)[1]], atol=1e-6)


def test_only_first_lives_of_designed_levels_with_a_finite_score_are_learned_from():
    state = factored.init(DESIGN, CONFIG)
    _, choices = factored.draw(DESIGN, state, jax.random.key(0), 6)
    score, mask = jnp.asarray([1.0, -1.0, jnp.nan, jnp.inf, 7.0, 9.0]), jnp.asarray([True] * 5 + [False])
    choices = dataclasses.replace(choices, bins=choices.bins.at[4].set(-1))
    learned = factored.learn(DESIGN, CONFIG, state, choices, score, mask)
    two = jax.tree.map(lambda x: x[:2], choices)
    expected = factored.learn(DESIGN, CONFIG, state, two, score[:2], mask[:2])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), learned, expected)
    assert not np.array_equal(learned.logits, state.logits)
    nothing = factored.learn(DESIGN, CONFIG, learned, choices, jnp.full(6, jnp.nan), mask)
    jax.tree.map(np.testing.assert_array_equal, nothing, learned)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_unit_of_scores_does_not_matter(unit):
    state = factored.init(DESIGN, CONFIG)
    _, choices = factored.draw(DESIGN, state, jax.random.key(0), 32)
    score = jax.random.normal(jax.random.key(1), (32,))
    moved = [factored.learn(DESIGN, CONFIG, state, choices, c * score, jnp.ones(32, bool)).logits for c in (1.0, unit)]
    np.testing.assert_allclose(*moved, atol=1e-4)


def test_metrics_say_where_each_factor_is():
    state = dataclasses.replace(factored.init(DESIGN, CONFIG), logits=jnp.zeros((3, K)).at[1, 3].set(50.0))
    metrics = factored.metrics(DESIGN, state)
    assert {name: round(float(value), 3) for name, value in metrics.items()} == {
        "generator_entropy": 0.667,
        "generator/first": 0.5,
        "generator/both": 0.875,
        "generator/third": 0.5,
    }
