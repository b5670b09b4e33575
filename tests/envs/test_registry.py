"""The registry: every environment builds from levels and sizes, steps, and is found by its name."""

import jax
import numpy as np
import pytest

from groove.envs.base import Box, Discrete, MultiHot
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.registry import ENVIRONMENTS, make_env
from tests._helpers.reference import draw, nth

LEVELS = LevelDistribution(min_lifetime=7, max_lifetime=9)
SIZES = GridSizes()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_registered_environment_steps(name):
    family = make_env(name, LEVELS, SIZES)
    assert family.name == name
    assert ENVIRONMENTS[name].about
    key = jax.random.key(0)
    level, noise = nth(draw(family.sample_level, 0, 1), 0), family.noise(key, ())
    state, obs = jax.jit(family.reset)(level, noise)
    step = jax.jit(family.step)(level, state, family.num_actions - 1, noise)
    expected = (family.observation.active,) if isinstance(family.observation, MultiHot) else ()
    assert step.obs.shape == obs.shape == getattr(family.observation, "shape", expected)
    assert all(one.time == 1 for one in (step.state if isinstance(step.state, tuple) else (step.state,)))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_lifetimes_are_drawn_from_the_range_of_the_levels(name):
    family = make_env(name, LEVELS, SIZES)
    lifetimes = jax.vmap(family.lifetime)(draw(family.sample_level, 1, 200))
    assert set(np.asarray(lifetimes).tolist()) == {7, 8, 9}


def test_each_environment_has_its_own_observations():
    observations = {name: make_env(name, LEVELS, SIZES).observation for name in ENVIRONMENTS}
    assert observations == {
        "networks": MultiHot(105, 6),
        "varied": MultiHot(105, 6),
        "random_grid": Box((11, 11, 6)),
        "chain": Discrete(102),
        "chain_distractor": Box((22,)),
        "random_mdp": MultiHot(32, 1),
        "worlds": MultiHot(1413, 22),
        "broad": MultiHot(1413, 22),
    }


def test_sizes_decide_the_actions_of_gridworlds():
    diagonal = GridSizes(diagonal=True)
    assert [make_env(name, LEVELS, diagonal).num_actions for name in ENVIRONMENTS] == [9, 9, 9, 2, 2, 5, 6, 9]


def test_half_of_the_varied_levels_pay_steps():
    networks, varied = (draw(make_env(name, LEVELS, SIZES).sample_level, 2, 64) for name in ("networks", "varied"))
    assert not networks.step_reward.any()
    assert 16 < np.count_nonzero(varied.step_reward) < 48
    np.testing.assert_array_equal(varied.walls, networks.walls)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match='unknown environment "chian" \\(did you mean "chain"'):
        make_env("chian", LEVELS, SIZES)
