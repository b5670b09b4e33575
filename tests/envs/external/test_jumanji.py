"""jumanji's games behind our interface: equal to jumanji's own steps, with the observations that we document."""

import functools
import sys
from operator import itemgetter
from types import SimpleNamespace
from unittest import mock

import jax
import jax.numpy as jnp
import jumanji
import numpy as np
import pytest

from groove.agents.agent import AgentConfig, make_agent
from groove.envs.base import Box
from groove.envs.external.jumanji import make_jumanji
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.lifetimes.rollout import rollout, start_workers

NAMES = ["PacMan-v1", "Snake-v1", "Tetris-v0"]
LIMIT, STEPS = 12, 60
UP, LEFT, DOWN, RIGHT, STAY = range(5)  # PacMan's


def level_of(family):
    return family.sample_level(jax.random.key(0))


@functools.cache
def compiled(name):
    """Return jumanji's game as a function limit -> environment, compiled once for all tests."""
    env = jumanji.make(name)

    @jax.jit
    def step(limit, state, action):
        env.time_limit = limit
        return plain_arrays(env.step(state, action))

    reset = jax.jit(lambda key: plain_arrays(env.reset(key)))
    return lambda limit: SimpleNamespace(reset=reset, step=functools.partial(step, limit))


def family_of(name, **kw):
    with mock.patch("jumanji.registration.make", lambda name, time_limit: compiled(name)(time_limit)):
        return make_jumanji(name, **kw)


@functools.cache
def play(name):
    """Play mostly valid random actions in jumanji's own step and in ours, both reset by hand; leaves [T, ...]."""
    family, env = family_of(name, max_steps=LIMIT), compiled(name)(LIMIT)
    level, noise = level_of(family), family_of(name).noise(jax.random.key(1), (STEPS + 1,))
    theirs, before = env.reset(noise.reset[0])
    ours, _ = family.reset(level, jax.tree.map(lambda keys: keys[0], noise))
    record = []
    for t in range(1, STEPS + 1):
        now, mask = jax.tree.map(itemgetter(t), noise), before.observation.action_mask
        action = jax.random.categorical(now.step, jnp.where(mask.reshape(-1), 0.0, -2.0))
        choice = action if mask.ndim == 1 else jnp.stack(jnp.divmod(action, mask.shape[1]))
        theirs, after = env.step(theirs.replace(key=now.step), choice)
        step, fresh, again = family.step(level, ours, action, now), family.reset(level, now), env.reset(now.reset)
        facts = action, before.observation, theirs.replace(key=0), after, step, again[1].observation, fresh[1]
        record.append(facts)
        before = again[1] if after.last() else after
        theirs = again[0] if after.last() else theirs
        ours = fresh[0] if step.terminated | step.truncated else step.state
    return jax.tree.map(lambda *leaves: np.stack(leaves), *record)


def expected(name, seen):
    """Draw jumanji's observation of one step, cell by cell."""
    if name == "Snake-v1":
        return seen.grid
    if name == "Tetris-v0":
        planes = np.zeros((10, 10, 3), bool)
        planes[..., 0] = seen.grid
        planes[:4, :4, 1] = seen.tetromino
        planes[:4, :, 2] = seen.action_mask
        return planes
    planes = np.zeros((31, 28, 9), bool)
    planes[..., 0] = seen.grid == 0
    for k, places in enumerate([seen.pellet_locations, seen.power_up_locations], start=1):
        for column, row in places:
            planes[row, column, k] = (row, column) != (0, 0)
    planes[seen.player_locations.x, seen.player_locations.y, 3] = True
    for ghost, (column, row) in enumerate(seen.ghost_locations):
        planes[row, column, 4 + ghost] = True
    planes[: max(seen.frightened_state_time, 0), :, 8] = True
    return planes


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_jumanji_s(name):
    _, _, _, timestep, step, again, fresh = play(name)
    for theirs, ours in [(timestep.observation, step.obs), (again, fresh)]:
        for t in range(STEPS):
            np.testing.assert_array_equal(ours[t], expected(name, jax.tree.map(itemgetter(t), theirs)))
    np.testing.assert_array_equal(step.reward, timestep.reward)
    np.testing.assert_array_equal(step.terminated | step.truncated, timestep.step_type == 2)
    assert len(np.unique(step.obs.reshape(STEPS, -1), axis=0)) > 10


@pytest.mark.parametrize("name", NAMES)
def test_only_the_rules_terminate_and_only_the_limit_truncates(name):
    action, before, state, timestep, step, *_ = play(name)
    if name == "PacMan-v1":
        ruled = state.dead | (state.pellets == 0)
    else:
        ruled = ~before.action_mask.reshape(STEPS, -1)[np.arange(STEPS), action]
        ruled |= state.body.all((1, 2)) if name == "Snake-v1" else ~state.action_mask.any((1, 2))
    np.testing.assert_array_equal(step.terminated, ruled)
    np.testing.assert_array_equal(step.truncated, (state.step_count == LIMIT) & ~ruled)
    assert step.truncated.any()
    assert ruled.any() == (name != "PacMan-v1")  # ghosts are far away for the first twelve steps
    assert not timestep.discount[timestep.step_type == 2].any()  # so the family has to count steps itself


@pytest.mark.parametrize(
    ("name", "actions", "limit"), [("PacMan-v1", 5, 1000), ("Snake-v1", 4, 4000), ("Tetris-v0", 40, 400)]
)
def test_spaces_are_as_declared(name, actions, limit):
    family = make_jumanji(name, lifetime=7)
    level = level_of(family)
    noise = Keys(jax.random.key(0), jax.random.key(1))
    state, obs = jax.eval_shape(family.reset, level, noise)
    step = jax.eval_shape(family.step, level, state, jnp.int32(0), noise)
    for seen in (obs, step.obs):
        assert Box(seen.shape) == family.observation
        assert seen.dtype == (jnp.float32 if name == "Snake-v1" else jnp.bool_)
    for flag in (step.reward, step.terminated, step.truncated):
        assert (flag.shape, flag.dtype) == ((), jnp.float32 if flag is step.reward else jnp.bool_)
    assert jax.tree.structure(step.state) == jax.tree.structure(state)
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(step.state)):
        assert (before.shape, before.dtype, after.weak_type) == (after.shape, after.dtype, before.weak_type)
    assert (family.num_actions, int(family.max_steps(level)), int(family.lifetime(level))) == (actions, limit, 7)
    assert jumanji.make(name).time_limit == limit


def first_steps(name, starts):
    """Take every action from fresh states: (obs [N, ...], Step [N, A])."""
    family = family_of(name)
    level, actions = level_of(family), range(family.num_actions)
    record = []
    for noise in [Keys(key, key) for key in jax.random.split(jax.random.key(0), starts)]:
        state, obs = family.reset(level, noise)
        steps = [family.step(level, state, jnp.int32(action), noise) for action in actions]
        record.append((obs, jax.tree.map(lambda *leaves: np.stack(leaves), *steps)))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *record)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_limit_truncates_too(name):
    family = family_of(name)
    level, noise = level_of(family), Keys(jax.random.key(0), jax.random.key(1))
    state, _ = family.reset(level, noise)
    action = STAY if name == "PacMan-v1" else state.action_mask.argmax()  # the first valid action
    for left in (2, 1):
        late = state.replace(step_count=jnp.int32(family.max_steps(level) - left))
        step = family.step(level, late, jnp.int32(action), noise)
        assert (bool(step.terminated), bool(step.truncated)) == (False, left == 1)


def test_pac_man_eats_and_is_eaten_as_documented():
    family = family_of("PacMan-v1")
    level, noise = level_of(family), Keys(jax.random.key(0), jax.random.key(1))
    state, _ = family.reset(level, noise)
    here = jnp.broadcast_to(jnp.stack([state.player_locations.y, state.player_locations.x]), (4, 2))

    def stay(state, **changes):
        step = family.step(level, state.replace(**changes), jnp.int32(STAY), noise)
        return step.state, (float(step.reward), bool(step.terminated), np.flatnonzero(step.obs[..., 8].all(1)).tolist())

    assert stay(state)[1] == (10, False, [])
    assert stay(state, power_up_locations=here)[1] == (60, False, list(range(30)))
    assert stay(state, old_ghost_locations=here)[1] == (10, True, [])
    eaten, facts = stay(state, old_ghost_locations=here, frightened_state_time=jnp.int32(5))
    assert facts == (810, False, [0, 1, 2, 3])
    assert stay(eaten, old_ghost_locations=here)[1] == (0, False, [0, 1, 2])


def test_pac_man_walks_as_documented_and_stays_at_walls():
    obs, step = first_steps("PacMan-v1", 1)
    row, column = np.argwhere(obs[0, ..., 3])[0]
    places = [tuple(np.argwhere(step.obs[0, action, ..., 3])[0]) for action in range(5)]
    assert obs[0, row - 1, column, 0]
    assert obs[0, row + 1, column, 0]
    assert places[UP] == places[DOWN] == places[STAY] == (row, column)
    assert (places[LEFT], places[RIGHT]) == ((row, column - 1), (row, column + 1))
    assert not (step.terminated | step.truncated).any()
    np.testing.assert_array_equal(step.reward, 10)  # there is a pellet where the player starts, too
    assert obs[0, ..., 1].sum() - 1 == step.obs[0, LEFT, ..., 1].sum()
    assert not obs[..., 8].any()


def test_snake_dies_where_it_leaves_the_grid():
    obs, step = first_steps("Snake-v1", 12)
    row, column = np.argwhere(obs[..., 1])[:, 1:].T
    outside = np.stack([row == 0, column == 11, row == 11, column == 0], axis=1)  # up, right, down, left
    np.testing.assert_array_equal(step.terminated, outside)
    assert outside.any()
    assert not step.truncated.any()


def test_tetris_actions_are_rotation_and_column():
    obs, step = first_steps("Tetris-v0", 4)
    valid = obs[:, :4, :, 2].reshape(4, 40)
    assert not obs[:, 4:, :, 2].any()
    np.testing.assert_array_equal(step.terminated, ~valid)
    assert (valid.any(), valid.all()) == (True, False)
    assert not step.reward.any()
    for n in range(4):
        shape = obs[n, :4, :4, 1]
        height, width = shape.any(1).sum(), shape.any(0).sum()
        for column in range(11 - width):
            landed = np.zeros((10, 10), bool)
            landed[10 - height :, column : column + width] = shape[:height, :width]
            np.testing.assert_array_equal(step.obs[n, column, ..., 0], landed)
        for column in range(11 - height):  # turned by 90 degrees, whichever way
            filled = step.obs[n, 10 + column, ..., 0]
            assert (filled.any(1).sum(), filled.any(0).sum()) == (width, height)
            assert np.flatnonzero(filled.any(0))[0] == column


def test_the_noise_of_a_step_decides_its_chances():
    family = family_of("Tetris-v0")
    level, keys = level_of(family), jax.random.split(jax.random.key(0), 20)
    starts = [family.reset(level, Keys(keys[i], keys[i]))[0] for i in range(2)]
    pieces = [
        [np.asarray(family.step(level, state, jnp.int32(0), Keys(key, key)).obs[..., 1]) for key in keys]
        for state in starts
    ]
    np.testing.assert_array_equal(*pieces)
    assert len(np.unique(np.reshape(pieces[0], (20, -1)), axis=0)) > 4


@pytest.mark.parametrize("name", NAMES)
def test_our_rollout_takes_it(name):
    env = make_jumanji(name)
    agent = make_agent(env.observation, {"logits": env.num_actions}, AgentConfig(torso="mlp", widths=(4,)))
    level = level_of(env)

    def run(key):
        params, _ = agent.init(key)
        return rollout(env, agent, params, level, start_workers(env, level, key, 2), key, 3)

    workers, seen, _ = jax.eval_shape(run, jax.random.key(0))
    assert seen.next_obs.shape == (3, 2, *env.observation.shape)
    assert workers.obs.dtype == seen.obs.dtype == seen.next_obs.dtype


def test_mistakes_are_named(monkeypatch):
    with pytest.raises(ValueError, match='did you mean "PacMan-v1"'):
        make_jumanji("Pacman")
    with pytest.raises(ValueError, match="must be positive"):
        make_jumanji("Snake-v1", max_steps=0)
    monkeypatch.setitem(sys.modules, "jumanji", None)
    monkeypatch.setitem(sys.modules, "jumanji.registration", None)
    with pytest.raises(ValueError, match=r'jumanji is not installed; run pip install "groove-rl\[arcade\]"'):
        make_jumanji("Snake-v1")
