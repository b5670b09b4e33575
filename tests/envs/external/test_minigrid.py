"""MiniGrid behind our interface: equal to XLand-MiniGrid's own steps, with the observations that we document."""

import sys
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xminigrid

from groove.envs.base import Box
from groove.envs.external.key_noise import Keys
from groove.envs.external.minigrid import NAMES, make_minigrid

STEPS = 60
FORWARD, RIGHT, LEFT, PICK_UP, PUT_DOWN, TOGGLE = range(6)
LEVEL = jnp.int32(1)


def noise(seed):
    return Keys(*jax.random.split(jax.random.key(seed)))


@pytest.mark.parametrize(
    "name", [name if name == "DoorKey-6x6" else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_every_step_is_the_library_s(name):
    limit = 25
    family = make_minigrid(name, max_steps=limit)
    env, params = xminigrid.make(f"MiniGrid-{name}", max_steps=limit)
    step, library_step = jax.jit(family.step), jax.jit(lambda timestep, action: env.step(params, timestep, action))
    actions = np.random.default_rng(0).integers(6, size=STEPS)
    state, obs = family.reset(LEVEL, noise(0))
    expected = env.reset(params, noise(0).reset)
    ends = 0
    for t, action in enumerate(actions):
        np.testing.assert_array_equal(obs[..., :13].argmax(-1), expected.observation[..., 0])
        np.testing.assert_array_equal(obs[..., 13:25].argmax(-1), expected.observation[..., 1])
        assert (obs.sum(-1) == 2 + bool(expected.state.agent.pocket[0])).all()
        result, expected = step(LEVEL, state, jnp.int32(action), noise(t)), library_step(expected, action)
        assert float(result.reward) == float(expected.reward)
        assert bool(result.terminated) == bool(expected.last() & (expected.discount == 0))
        assert bool(result.terminated | result.truncated) == bool(expected.last())
        state, obs = result.state, result.obs
        if expected.last():
            ends += 1
            state, obs = family.reset(LEVEL, noise(t))
            expected = env.reset(params, noise(t).reset)
    assert ends >= STEPS // limit


@pytest.mark.parametrize(("name", "limit"), list(zip(NAMES, (256, 100, 360, 288), strict=True)))
def test_spaces_are_as_declared(name, limit):
    family = make_minigrid(name, lifetime=7)
    level = family.sample_level(jax.random.key(0))
    state, obs = jax.eval_shape(family.reset, level, noise(0))
    step = jax.eval_shape(family.step, level, state, jnp.int32(0), noise(0))
    assert Box(obs.shape) == Box(step.obs.shape) == family.observation
    assert obs.dtype == step.obs.dtype == jnp.bool_
    assert jax.tree.structure(step.state) == jax.tree.structure(state)
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(step.state), strict=True):
        assert (before.shape, before.dtype, after.weak_type) == (after.shape, after.dtype, before.weak_type)
    assert (family.num_actions, int(family.max_steps(level)), int(family.lifetime(level))) == (6, limit, 7)


def act(family, state, *actions):
    move = jax.jit(family.step)
    for action in actions:
        step = move(LEVEL, state, jnp.int32(action), noise(0))
        state = step.state
    return step


def placed(name, row, column, direction):
    """A fresh episode with the agent at a cell: 0 up, 1 right, 2 down, 3 left."""
    family = make_minigrid(name)
    state, _ = family.reset(LEVEL, noise(0))
    agent = state.state.agent.replace(position=jnp.array([row, column]), direction=jnp.asarray(direction))
    return family, state.replace(state=state.state.replace(agent=agent))


def test_the_goal_pays_more_the_sooner_and_terminates():
    family, state = placed("EmptyRandom-8x8", 6, 4, 1)
    first = act(family, state, FORWARD)
    assert (float(first.reward), bool(first.terminated), bool(first.truncated)) == (0.0, False, False)
    second = act(family, state, FORWARD, FORWARD)
    assert bool(second.terminated)
    np.testing.assert_allclose(float(second.reward), 1 - 0.9 * 2 / 256, rtol=1e-6)
    slower = act(family, state, RIGHT, LEFT, FORWARD, FORWARD)
    assert float(slower.reward) < float(second.reward)


@pytest.mark.slow
def test_the_limit_truncates_without_reward():
    family = make_minigrid("FourRooms", max_steps=3)
    state, _ = family.reset(LEVEL, noise(1))
    ends = [act(family, state, *[LEFT] * n) for n in (1, 2, 3)]
    assert [bool(step.truncated) for step in ends] == [False, False, True]
    assert not any(bool(step.terminated) or float(step.reward) for step in ends)


@pytest.mark.slow
def test_a_carried_key_is_seen_and_opens_the_door():
    family, state = placed("DoorKey-6x6", 1, 1, 0)
    grid = np.asarray(state.state.grid).copy()
    empty = grid[1, 1].copy()
    (key,), (door,) = (np.argwhere(grid[..., 0] == tile) for tile in (7, 8))
    tiles = grid[tuple(key)].copy(), grid[tuple(door)].copy()
    grid[tuple(key)], grid[tuple(door)] = empty, (2, 6)  # the door's cell becomes a wall
    grid[1, 2], grid[2, 1] = tiles  # a key to the right of the agent, the door below it
    state = state.replace(state=state.state.replace(grid=jnp.asarray(grid)))
    locked = act(family, state, RIGHT, RIGHT, TOGGLE, FORWARD)
    assert locked.state.state.agent.position.tolist() == [1, 1]
    assert not locked.obs[..., 25].any()
    carrying = act(family, state, RIGHT, PICK_UP)
    assert carrying.obs[..., 25].all()
    through = act(family, state, RIGHT, PICK_UP, RIGHT, TOGGLE, FORWARD)
    assert through.state.state.agent.position.tolist() == [2, 1]
    dropped = act(family, state, RIGHT, PICK_UP, PUT_DOWN)
    assert not dropped.obs[..., 25].any()


@pytest.mark.slow
def test_episodes_begin_in_rooms_of_their_own():
    family = make_minigrid("FourRooms")
    keys = jax.vmap(lambda key: Keys(key, key))(jax.random.split(jax.random.key(0), 16))
    _, obs = jax.vmap(family.reset, (None, 0))(LEVEL, keys)
    assert len(np.unique(np.asarray(obs).reshape(16, -1), axis=0)) > 10


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match='did you mean "FourRooms"'):
        make_minigrid("FourRoom")
    with pytest.raises(ValueError, match="max_steps = 0 must be positive"):
        make_minigrid("Unlock", max_steps=0)
    with (
        mock.patch.dict(sys.modules, {"xminigrid": None}),
        pytest.raises(ValueError, match=r'xminigrid is not installed; run pip install "groove-rl\[minigrid\]"'),
    ):
        make_minigrid("Unlock")
