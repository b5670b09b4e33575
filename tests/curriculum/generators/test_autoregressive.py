"""The generator that places one thing after another: uniform before learning, a policy gradient, and a search."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.generators.autoregressive import Placements, make_autoregressive, objective, retrace
from groove.curriculum.generators.generator import GeneratorConfig, ScoreScale, entropy_floor
from groove.envs.base import Editor
from groove.envs.gridworld.editor import make_editor
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level
from tests._helpers.reference import nth

SIZES = GridSizes(side=3, objects=2)
DIST = LevelDistribution(min_size=3, max_size=3, walls=2, max_objects=2, max_steps=20)
CONFIG = GeneratorConfig(generator="autoregressive", entropy=0.0, hidden=16, noise=3, network_learning_rate=0.01)
EDITOR = make_editor(DIST, SIZES)
GENERATOR = make_autoregressive(EDITOR, CONFIG)


def moved(state, seed=0, scale=0.5):
    """Return the generator with other parameters."""
    leaves, tree = jax.tree.flatten(state.params)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    drawn = [x + scale * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    return dataclasses.replace(state, params=jax.tree.unflatten(tree, drawn))


draw = jax.jit(GENERATOR.draw, static_argnums=2)
learn = jax.jit(GENERATOR.learn)


def test_an_untrained_generator_chooses_uniformly_among_the_allowed_cells():
    levels, choices = draw(GENERATOR.init(), jax.random.key(0), 2000)
    assert choices.designed.all()
    _, allowed = jax.jit(partial(retrace, EDITOR))(levels, choices)
    expected = np.where(choices.cell >= 0, -np.log(np.maximum(allowed.sum(-1), 1)), 0)
    np.testing.assert_allclose(choices.log_prob, expected, rtol=1e-5)
    np.testing.assert_allclose(np.bincount(choices.cell[:, 0], minlength=9) / 2000, 1 / 9, atol=0.03)


def test_every_level_of_any_network_is_valid_and_its_probability_is_that_of_its_choices():
    state = moved(GENERATOR.init(), scale=2.0)
    levels, choices = draw(state, jax.random.key(1), 100)
    for n in range(100):
        check_level(nth(levels, n), SIZES)
    ratio = partial(objective, EDITOR, CONFIG, state.params, choices, levels)
    made = (np.asarray(choices.cell) >= 0).sum(1)
    np.testing.assert_allclose(ratio(jnp.ones(100), jnp.ones(100))[0], made.mean(), rtol=1e-4)  # all ratios are 1
    _, allowed = retrace(EDITOR, levels, choices)
    assert np.take_along_axis(np.asarray(allowed), np.maximum(choices.cell, 0)[..., None], -1)[choices.cell >= 0].all()


def two_levels():
    """Return an editor of two levels: the one placement chooses between them."""
    return Editor(
        placements=1,
        cells=2,
        width=1,
        begin=lambda key: jnp.int32(-1),
        again=lambda level, choices: jnp.int32(-1),
        allowed=lambda draft, t: jnp.ones(2, bool),
        place=lambda draft, t, choice: choice.astype(draft.dtype),
        observe=lambda draft, t: jnp.ones(1),
        finish=lambda draft: draft,
    )


def test_the_policy_gradient_is_that_of_the_expected_score_by_finite_differences():
    with jax.enable_x64(True):
        editor, config = two_levels(), dataclasses.replace(CONFIG, hidden=3, noise=1)
        generator = make_autoregressive(editor, config)
        params = jax.tree.map(lambda x: x.astype(jnp.float64), moved(generator.init(), 3).params)
        levels, noise = jnp.asarray([0, 1]), jnp.full((2, 1), 0.7)
        score = jnp.asarray([1.3, -0.4])

        def log_probs(params):
            """Return the logarithms of the probabilities of both levels, by the ratio to a probability of one."""
            both = Placements(levels[:, None], jnp.zeros((2, 1)), noise)
            wide = dataclasses.replace(config, clip=1.0)
            return jnp.log(jnp.stack([
                objective(editor, wide, params, both, levels, jnp.ones(2), 1.0 * (levels == n))[0] for n in range(2)
            ]))  # fmt: skip

        old = log_probs(params)
        np.testing.assert_allclose(jnp.exp(old).sum(), 1.0, rtol=1e-9)
        choices = Placements(levels[:, None], old[:, None], noise)
        weight = 10 * jnp.exp(old)  # levels as often as the generator draws them; the divisor is at least one
        gradient = jax.grad(lambda p: objective(editor, config, p, choices, levels, score, weight)[0])(params)
        expected = jax.jit(lambda p: (jnp.exp(log_probs(p)) * score).sum())
        for seed in range(3):
            direction = jax.tree.map(jnp.subtract, moved(generator.init(), seed, 1.0).params, generator.init().params)
            ends = [expected(jax.tree.map(lambda w, d, s=s: w + s * d, params, direction)) for s in (1e-5, -1e-5)]
            along = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, gradient, direction)))
            np.testing.assert_allclose(along, (ends[0] - ends[1]) / 2e-5, rtol=1e-6)


@partial(jax.jit, static_argnames="steps")
def _search(seed, steps):
    """Let a generator learn from the regret 1 of starts and first objects in opposite corners, and noise everywhere."""

    def step(state, key):
        draw_key, noise_key = jax.random.split(key)
        levels, choices = GENERATOR.draw(state, draw_key, 32)
        found = (levels.start == 0) & (levels.object_cell[:, 0] == 8)
        score = found + 0.3 * (levels.start == 0) + 0.3 * jax.random.normal(noise_key, (32,))
        return GENERATOR.learn(state, choices, levels, score, jnp.ones(32, bool)), found.mean()

    return jax.lax.scan(step, GENERATOR.init(), jax.random.split(jax.random.key(seed), steps))


@pytest.mark.slow
def test_a_generator_finds_the_corner_where_regret_was_planted():
    states, found = jax.vmap(lambda seed: _search(seed, 300))(jnp.arange(20))
    found = np.asarray(found[:, -50:].mean(1))
    assert found.min() > 0.5, found  # 1/72 by chance, 50/58 x 50/57 at most
    floor = min(entropy_floor(CONFIG.max_odds, cells) for cells in range(2, 10))
    assert (states.entropy > floor).all()


def test_the_entropy_bonus_moves_probabilities_back_to_uniform():
    generator = make_autoregressive(EDITOR, dataclasses.replace(CONFIG, entropy=1.0))
    state = moved(generator.init())
    levels, choices = draw(state, jax.random.key(0), 32)
    entropies = []
    for _ in range(30):
        state = jax.jit(generator.learn)(state, choices, levels, jnp.zeros(32), jnp.ones(32, bool))
        entropies.append(float(generator.metrics(state)["generator_entropy"]))
    assert entropies[0] < entropies[-1] < 1
    assert float(GENERATOR.metrics(GENERATOR.init())["generator_entropy"]) == 1


def test_only_counted_levels_of_its_own_with_a_finite_score_are_learned_from():
    state = GENERATOR.init()
    levels, choices = draw(state, jax.random.key(0), 6)
    score, mask = jnp.asarray([1.0, -1.0, jnp.nan, jnp.inf, 7.0, 9.0]), jnp.asarray([True] * 5 + [False])
    choices = dataclasses.replace(choices, cell=choices.cell.at[4].set(-1))
    learned = learn(state, choices, levels, score, mask)
    two = jax.tree.map(lambda x: x[:2], (choices, levels))
    expected = learn(state, *two, score[:2], mask[:2])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6), learned, expected)
    assert int(learned.scale.updates) == 1
    nothing = learn(learned, choices, levels, jnp.full(6, jnp.nan), mask)
    jax.tree.map(np.testing.assert_array_equal, nothing, learned)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_unit_of_scores_does_not_matter(unit):
    state = GENERATOR.init()
    levels, choices = draw(state, jax.random.key(0), 32)
    score = jax.random.normal(jax.random.key(1), (32,))
    first, again = (learn(state, choices, levels, c * score, jnp.ones(32, bool)).params for c in (1.0, unit))
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-4), first, again)
    assert isinstance(state.scale, ScoreScale)
