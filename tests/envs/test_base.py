"""The interface of environment families: every family keeps its promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.base import Box, Discrete, MultiHot
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.mazes import make_mazes
from groove.envs.gridworld.named import HANDCRAFTED, RANDOM_GRIDS, make_named_family
from groove.envs.worlds.family import make_worlds
from tests._helpers.reference import draw, nth

FAMILIES = {
    "gridworld": make_gridworld,
    "features": lambda: make_gridworld(observation="features"),
    "mazes": make_mazes,
    "handcrafted": lambda: make_named_family(HANDCRAFTED),
    "random_grid": lambda: make_named_family(RANDOM_GRIDS),
    "chain": make_chain,
    "chain_distractor": lambda: make_chain("distractor"),
    "worlds": make_worlds,
}
SHAPES = {Discrete: lambda space: (), Box: lambda space: space.shape, MultiHot: lambda space: (space.active,)}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_has_the_declared_shapes_and_never_resets(name):
    family = FAMILIES[name]()
    noise = family.noise(jax.random.key(0), (3, 2))
    assert all(leaf.shape[:2] == (3, 2) for leaf in jax.tree.leaves(noise))
    level, one = nth(draw(family.sample_level, 0, 1), 0), jax.tree.map(lambda leaf: leaf[0, 0], noise)
    state, obs = jax.jit(family.reset)(level, one)
    step = jax.jit(family.step)(level, state, family.num_actions - 1, one)
    assert step.obs.shape == obs.shape == SHAPES[type(family.observation)](family.observation)
    assert step.obs.dtype == obs.dtype
    assert [(x.shape, x.dtype) for x in (step.reward, step.terminated, step.truncated)] == [
        ((), jnp.float32),
        ((), jnp.bool_),
        ((), jnp.bool_),
    ]
    assert jax.tree.structure(step.state) == jax.tree.structure(state)
    assert step.state.time == 1


@pytest.mark.parametrize("name", FAMILIES)
def test_an_episode_ends_in_one_way_and_within_its_limit(name):
    family = FAMILIES[name]()
    levels = draw(family.sample_level, 1, 8)
    limit = int(max(jax.vmap(family.max_steps)(levels)))

    @jax.jit
    def play(noise, action):
        start, _ = jax.vmap(family.reset)(levels, jax.tree.map(lambda leaf: leaf[0], noise))

        def body(state, xs):
            step = jax.vmap(family.step)(levels, state, *xs)
            return step.state, (step.terminated, step.truncated)

        return jax.lax.scan(body, start, (action, noise))[1]

    action = jax.random.randint(jax.random.key(1), (limit, 8), 0, family.num_actions)
    terminated, truncated = map(np.asarray, play(family.noise(jax.random.key(2), (limit, 8)), action))
    assert not (terminated & truncated).any()
    assert (terminated | truncated).any(0).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_optional_functions_return_what_they_declare(name):
    family = FAMILIES[name]()
    assert (family.optimal_return is None) == (name in ("random_grid", "worlds"))
    assert (family.describe is None) == (name == "random_grid")
    assert (family.draw is None) == (name in ("random_grid", "chain", "chain_distractor"))
    level = jax.eval_shape(family.sample_level, jax.random.key(0))
    assert jax.eval_shape(family.mutate, jax.random.key(0), level) == level
    if family.describe is not None:
        assert all((n.shape, n.dtype) == ((), np.float32) for n in jax.eval_shape(family.describe, level).values())
    if family.optimal_return is not None:
        best = jax.eval_shape(family.optimal_return, level)
        assert (best.shape, best.dtype) == ((), np.float32)
