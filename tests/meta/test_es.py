"""Evolution strategies: ranks within pairs, the gradient of a quadratic, and the schedule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.meta.es import ESConfig, make_openes, pair_ranks, relative_differences


def test_ranks_are_within_pairs_and_ties_are_halves():
    values = jnp.asarray([1.0, 5.0, 2.0, -jnp.inf, 3.0, 4.0, 2.0, -jnp.inf])
    assert pair_ranks(values).tolist() == [0.0, 1.0, 0.5, 0.5, 1.0, 0.0, 0.5, 0.5]


def test_relative_differences_do_not_depend_on_the_unit_and_lie_between_ranks():
    values = jnp.asarray([1.0, 5.0, 0.0, -jnp.inf, 3.0, -1.0, -jnp.inf, 3.0, -5.0, 0.0, 2.0, -1.0])
    shares = [1.0, 0.625, 1.0, 0.0, 0.6, 0.5]
    expected = shares + [1 - share for share in shares]
    for unit in (1e-3, 1.0, 1e3):
        np.testing.assert_allclose(relative_differences(unit * values), expected, rtol=1e-6)
    both = jnp.asarray([jnp.inf, jnp.inf, jnp.inf, -jnp.inf])
    assert relative_differences(both).tolist() == [0.5, 1.0, 0.5, 0.0]


def test_a_collapse_outweighs_small_gains_unless_only_ranks_count():
    """Three of four pairs gain a little along x, and one loses nearly everything."""
    directions = {}
    for shaping in ("rank", "relative"):
        strategy = make_openes(ESConfig(population=8, shaping=shaping, learning_rate=0.1), jnp.zeros(1))
        state = strategy.init(jnp.zeros(1))
        candidates = strategy.ask(jax.random.key(0), state)[:, 0]
        up = candidates > 0
        collapses = jnp.arange(8) % 4 == jnp.argmax(jnp.abs(candidates[:4]))
        fitness = jnp.where(collapses, jnp.where(up, 0.0, 1.0), jnp.where(up, 1.01, 1.0))
        after = strategy.tell(jax.random.key(0), candidates[:, None], fitness, state)
        directions[shaping] = float(strategy.mean(after)[0])
    assert directions["relative"] < 0 < directions["rank"]


def test_sigma_decays_to_its_bound():
    config = ESConfig(population=2000, sigma=0.4, sigma_decay=0.5, final_sigma=0.15)
    strategy = make_openes(config, jnp.zeros(4))
    state, spreads = strategy.init(jnp.zeros(4)), []
    for generation in range(4):
        candidates = strategy.ask(jax.random.key(generation), state)
        spreads.append(float(jnp.std(candidates - strategy.mean(state))))
        state = strategy.tell(jax.random.key(0), candidates, jnp.zeros(2000), state)
    np.testing.assert_allclose(spreads[0], 0.4, rtol=0.05)
    np.testing.assert_allclose(spreads[-1], 0.15, rtol=0.05)
    assert spreads == sorted(spreads, reverse=True)


def test_pairs_that_tie_do_not_move_eta_and_nan_is_the_worst():
    strategy = make_openes(ESConfig(population=6), jnp.zeros(5))
    state = strategy.init(jnp.ones(5))
    candidates = strategy.ask(jax.random.key(0), state)
    tied = strategy.tell(jax.random.key(0), candidates, jnp.asarray([1.0, 2.0, 3.0] * 2), state)
    np.testing.assert_array_equal(strategy.mean(tied), 1.0)
    for broken in (jnp.nan, -1e9):
        moved = strategy.tell(jax.random.key(0), candidates, jnp.asarray([broken, 2, 3, 0, 2, 3]), state)
        direction = strategy.mean(moved) - 1.0
        assert float(direction @ (candidates[3] - 1.0)) > 0  # towards the partner of the broken one


def test_candidates_are_antithetic_around_eta():
    eta = {"a": jnp.ones(3), "b": {"c": jnp.zeros((2, 2))}}
    strategy = make_openes(ESConfig(population=6, sigma=0.5), eta)
    candidates = strategy.ask(jax.random.key(0), strategy.init(eta))
    for leaf, centre in zip(jax.tree.leaves(candidates), jax.tree.leaves(eta), strict=True):
        np.testing.assert_allclose((leaf[:3] + leaf[3:]) / 2, jnp.broadcast_to(centre, leaf[:3].shape), atol=1e-6)
        assert np.std(np.asarray(leaf - centre)) == pytest.approx(0.5, rel=0.6)


def test_the_direction_is_that_of_the_gradient_of_a_quadratic():
    """The expected rank direction of f(x) = -|x - t|^2 / 2 is proportional to t - x: its sign and its ratios."""
    target = jnp.asarray([3.0, -1.0, 0.0, 0.5])
    config = ESConfig(population=20_000, sigma=0.01, learning_rate=1.0)
    strategy = make_openes(config, jnp.zeros(4))
    state = strategy.init(jnp.zeros(4))
    candidates = strategy.ask(jax.random.key(1), state)
    fitness = -0.5 * jnp.sum((candidates - target) ** 2, axis=1)
    after = strategy.tell(jax.random.key(2), candidates, fitness, state)
    moment = -np.asarray(jax.tree.leaves(after.opt_state)[1])  # Adam's first moment of the descended gradient
    cosine = moment @ target / np.linalg.norm(moment) / np.linalg.norm(target)
    assert cosine > 0.999
    moved = np.asarray(strategy.mean(after))
    assert moved[0] > 0 > moved[1]


def test_it_climbs_and_its_state_has_no_weak_types():
    strategy = make_openes(ESConfig(population=64, sigma=0.1, learning_rate=0.05), {"x": jnp.zeros(2)})
    state = strategy.init({"x": jnp.zeros(2)})
    again = strategy.tell(jax.random.key(0), strategy.ask(jax.random.key(0), state), jnp.zeros(64), state)
    assert not any(x.weak_type for x in jax.tree.leaves((state, again)))

    def generation(i, state):
        candidates = strategy.ask(jax.random.fold_in(jax.random.key(0), i), state)
        return strategy.tell(jax.random.key(0), candidates, -jnp.sum((candidates["x"] - 1.0) ** 2, axis=1), state)

    state = jax.jit(lambda s: jax.lax.fori_loop(0, 100, generation, s))(state)
    np.testing.assert_allclose(strategy.mean(state)["x"], 1.0, atol=0.15)
