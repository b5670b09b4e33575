"""Mixtures: every level behaves as its member does, in observations and actions that all members share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.base import MultiHot
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.mixture import make_mixture
from groove.envs.random_mdp import make_random_mdps
from tests._helpers.reference import draw
from tests._helpers.tiny import LEVELS, SIZES

MEMBERS = (make_gridworld(SIZES, LEVELS, "features"), make_random_mdps(30, 30))
FAMILY = make_mixture("both", MEMBERS, (3.0, 1.0))
COUNT = 64


@pytest.fixture(scope="module")
def levels():
    return draw(FAMILY.sample_level, 0, COUNT)


def test_spaces_hold_every_member():
    spaces = [member.observation for member in MEMBERS]
    assert FAMILY.observation == MultiHot(max(s.size for s in spaces), max(s.active for s in spaces))
    assert FAMILY.num_actions == max(member.num_actions for member in MEMBERS)


def test_a_level_plays_as_its_member(levels):
    noise = FAMILY.noise(jax.random.key(1), (40, COUNT))
    action = jax.random.randint(jax.random.key(2), (40, COUNT), 0, FAMILY.num_actions)

    @jax.jit
    def mixed(levels, noise, action):
        start, obs = jax.vmap(FAMILY.reset)(levels, jax.tree.map(lambda x: x[0], noise))

        def body(state, xs):
            step = jax.vmap(FAMILY.step)(levels, state, *xs)
            return step.state, (step.obs, step.reward, step.terminated, step.truncated)

        return obs, jax.lax.scan(body, start, (action, noise))[1]

    obs, steps = jax.tree.map(np.asarray, mixed(levels, noise, action))
    for i, member in enumerate(MEMBERS):
        own = levels.member == i
        assert own.any()

        @jax.jit
        def alone(levels, noise, action, member=member):
            start, obs = jax.vmap(member.reset)(levels, jax.tree.map(lambda x: x[0], noise))

            def body(state, xs):
                step = jax.vmap(member.step)(levels, state, *xs)
                return step.state, (step.obs, step.reward, step.terminated, step.truncated)

            return obs, jax.lax.scan(body, start, (action % member.num_actions, noise))[1]

        first, expected = jax.tree.map(np.asarray, alone(levels.levels[i], noise[i], action))
        width = member.observation.active
        np.testing.assert_array_equal(obs[own, :width], first[own])
        assert (obs[own, width:] == -1).all()
        np.testing.assert_array_equal(steps[0][:, own, :width], expected[0][:, own])
        for ours, theirs in zip(steps[1:], expected[1:], strict=True):
            np.testing.assert_array_equal(ours[:, own], theirs[:, own])


def test_members_are_drawn_by_weight_and_described_apart():
    levels = draw(FAMILY.sample_level, 1, 4000)
    np.testing.assert_allclose((levels.member == 0).mean(), 0.75, atol=0.03)
    features = jax.jit(jax.vmap(FAMILY.describe))(levels)
    shares = features[f"{MEMBERS[1].name}_share"]
    states = np.asarray(features[f"{MEMBERS[1].name}_states"])
    np.testing.assert_array_equal(np.isnan(states), shares == 0)
    lifetimes = jax.vmap(FAMILY.lifetime)(levels)
    assert set(np.asarray(lifetimes)[levels.member == 1].tolist()) == {30}


def test_edits_leave_the_member(levels):
    edited = jax.jit(jax.vmap(FAMILY.mutate))(jax.random.split(jax.random.key(3), COUNT), levels)
    np.testing.assert_array_equal(edited.member, levels.member)
    assert any(bool(jnp.any(a != b)) for a, b in zip(jax.tree.leaves(edited), jax.tree.leaves(levels), strict=True))


def test_members_with_other_observations_are_refused():
    with pytest.raises(ValueError, match='"chain" cannot be mixed: its observations are Discrete'):
        make_mixture("wrong", (MEMBERS[0], make_chain()), (1.0, 1.0))
