"""Gridworld dynamics: equal to the plain reference step by step, and each promise by itself."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from tests._helpers.reference import World, draw, level_of, nth

# Everything happens often: crowded grids, short episodes, likely events.
BUSY = LevelDistribution(
    min_size=3,
    max_size=5,
    walls=8,
    min_steps=4,
    max_steps=30,
    min_terminate=0.05,
    min_respawn=0.05,
    max_respawn=1.0,
    step_reward_share=0.5,
)
KINDS = [("index", "fixed"), ("features", "fixed"), ("planes", "fixed"), ("planes", "random")]


@functools.partial(jax.jit, static_argnums=(0, 2))
def trajectory(family, levels, steps, key):
    """Play random actions with auto-reset and return all that the reference needs to follow, leaves [T, N, ...]."""
    count = levels.start.shape[0]
    action_key, noise_key, reset_key = jax.random.split(key, 3)
    action = jax.random.randint(action_key, (steps, count), 0, family.num_actions)
    noise = family.noise(noise_key, (steps, count))
    first = family.noise(reset_key, (count,))

    def one(level, state, action, noise):
        step = family.step(level, state, action, noise)
        fresh, fresh_obs = family.reset(level, noise)
        done = step.terminated | step.truncated
        return jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, step.state), (step, fresh_obs)

    start, start_obs = jax.vmap(family.reset)(levels, first)
    body = lambda state, xs: jax.vmap(one)(levels, state, *xs)  # noqa: E731
    _, (step, fresh_obs) = jax.lax.scan(body, start, (action, noise))
    return action, noise, first, start_obs, step, fresh_obs


def words(noise, *index):
    return [int(word[index]) for word in noise["events"]], [place[index] for place in noise["places"]]


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(("observation", "placement"), KINDS)
def test_every_step_is_the_reference(diagonal, observation, placement):
    sizes = GridSizes(side=6, objects=5, diagonal=diagonal)
    family = make_gridworld(sizes, BUSY, observation, placement)
    levels = draw(family.sample_level, 3, 32)
    run = trajectory(family, levels, 80, jax.random.key(5))
    action, noise, first, start_obs, step, fresh_obs = jax.tree.map(np.asarray, run)
    happened = dict.fromkeys(["collect", "respawn", "end", "cut"], 0)
    for n in range(32):
        world = World(nth(levels, n), sizes, placement == "random")
        world.reset(words(first, n)[1])
        np.testing.assert_array_equal(world.observe(observation), start_obs[n])
        for t in range(80):
            reward, ended, cut = world.step(int(action[t, n]), *words(noise, t, n))
            assert (ended, cut) == (step.terminated[t, n], step.truncated[t, n])
            np.testing.assert_allclose(reward, step.reward[t, n], rtol=1e-6)
            np.testing.assert_array_equal(world.observe(observation), step.obs[t, n])
            if ended or cut:
                world.reset(words(noise, t, n)[1])
                np.testing.assert_array_equal(world.observe(observation), fresh_obs[t, n])
        happened = {event: happened[event] + world.events[event] for event in happened}
    assert min(happened.values()) > 5, happened  # the comparison covers every branch


def test_moving_objects_lie_on_distinct_free_cells_and_absent_objects_on_none():
    sizes = GridSizes(side=3, objects=4)
    distribution = dataclasses.replace(BUSY, max_size=3, walls=8, max_objects=4)  # just enough free cells
    family = make_gridworld(sizes, distribution, "planes", "random")
    levels = draw(family.sample_level, 0, 64)
    assert (np.sum(~levels.walls, axis=1) == 5).any()
    *_, step, _ = jax.tree.map(np.asarray, trajectory(family, levels, 50, jax.random.key(1)))
    cells, present = step.state.object_cell, step.state.present[..., None] >> np.arange(4) & 1
    np.testing.assert_array_equal(cells >= 0, present == 1)
    assert (step.obs[..., 2:].sum(-1) <= 1).all()  # no two objects on a cell
    assert not (step.obs[..., 2:].any(-1) & (step.obs[..., 1] == 1)).any()  # none in a wall
    np.testing.assert_array_equal(step.obs[..., 2:].sum((2, 3)), present)


def test_moving_starts_and_objects_are_uniform_over_free_cells():
    sizes = GridSizes(side=3, objects=1)
    level = level_of("S#. .a. .#.", {"a": (1.0, 0.0, 0.5)}, 9, sizes)
    family = make_gridworld(sizes, BUSY, "planes", "random", sampler=lambda key: level)
    resets = jax.jit(lambda key: jax.vmap(family.reset, (None, 0))(level, family.noise(key, (20_000,))))
    _, obs = resets(jax.random.key(0))
    frequency = np.asarray(obs[..., [0, 2]]).mean(0).reshape(9, 2)
    expected = np.where(level.walls, 0.0, 1 / 7)
    np.testing.assert_allclose(frequency[:, 0], expected, atol=0.012)
    np.testing.assert_allclose(frequency[:, 1], expected, atol=0.012)
    assert not (obs[..., 0] * obs[..., 2]).any()


@pytest.mark.parametrize("diagonal", [False, True])
def test_walls_and_edges_stop_the_agent(diagonal):
    sizes = GridSizes(side=4, objects=1, diagonal=diagonal)
    level = level_of("S# ..", {}, 50, sizes)
    family = make_gridworld(sizes, BUSY, sampler=lambda key: level)
    noise = family.noise(jax.random.key(0), ())
    state, _ = family.reset(level, noise)
    reached = {int(family.step(level, state, jnp.int32(a), noise).obs) for a in range(family.num_actions)}
    assert reached == ({0, 4, 5} if diagonal else {0, 4})


def test_a_collected_object_respawns_one_step_later_at_the_earliest():
    sizes = GridSizes(side=3, objects=1)
    level = level_of("Sa. ... ...", {"a": (0.5, 0.0, 1.0)}, 6, sizes)
    family = make_gridworld(sizes, BUSY, sampler=lambda key: level)
    state, rewards, ends = family.reset(level, family.noise(jax.random.key(0), ()))[0], [], []
    for t, action in enumerate([1, 4, 4, 4, 4, 4]):
        step = family.step(level, state, jnp.int32(action), family.noise(jax.random.key(t), ()))
        state = step.state
        rewards.append(float(step.reward))
        ends.append((bool(step.terminated), bool(step.truncated)))
    assert rewards == [0.5, 0.0, 0.5, 0.0, 0.5, 0.0]
    assert ends == [(False, False)] * 5 + [(False, True)]


def test_termination_at_the_time_limit_is_not_truncation():
    sizes = GridSizes(side=3, objects=1)
    level = level_of("Sa. ... ...", {"a": (-1.0, 1.0, 0.0)}, 1, sizes)
    family = make_gridworld(sizes, BUSY, sampler=lambda key: level)
    noise = family.noise(jax.random.key(0), ())
    state, _ = family.reset(level, noise)
    collect, wait = (family.step(level, state, jnp.int32(action), noise) for action in (1, 4))
    assert (bool(collect.terminated), bool(collect.truncated)) == (True, False)
    assert (bool(wait.terminated), bool(wait.truncated)) == (False, True)


def test_events_are_independent_and_have_their_probabilities():
    sizes = GridSizes(side=3, objects=3)
    objects = {"a": (0.5, 0.3, 0.25), "b": (0.1, 0.1, 0.6), "c": (0.1, 0.1, 0.6)}
    level = level_of("Sa. ... .bc", objects, 9, sizes)
    family = make_gridworld(sizes, BUSY, sampler=lambda key: level)
    noise = family.noise(jax.random.key(1), (40_000,))
    state, _ = family.reset(level, jax.tree.map(lambda leaf: leaf[0], noise))
    state = dataclasses.replace(state, present=jnp.int32(1))  # b and c are absent
    step = jax.jit(jax.vmap(family.step, (None, None, None, 0)))(level, state, jnp.int32(1), noise)
    back = np.asarray(step.state.present)[:, None] >> np.arange(3) & 1
    np.testing.assert_allclose(step.terminated.mean(), 0.3, atol=0.01)
    np.testing.assert_allclose(back.mean(0), [0.0, 0.6, 0.6], atol=0.01)
    flags = np.column_stack([step.terminated, back[:, 1:]]).astype(float)
    np.testing.assert_allclose(np.corrcoef(flags.T), np.eye(3), atol=0.02)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("word", [0, 2**32 - 1])
def test_events_are_exact_at_zero_and_one(p, word):
    sizes = GridSizes(side=3, objects=2)
    level = level_of("Sa. ... ..b", {"a": (1.0, p, 0.0), "b": (1.0, 0.0, p)}, 9, sizes)
    family = make_gridworld(sizes, BUSY, sampler=lambda key: level)
    noise = jax.tree.map(lambda leaf: jnp.full_like(leaf, word), family.noise(jax.random.key(0), ()))
    state = dataclasses.replace(family.reset(level, noise)[0], present=jnp.int32(1))  # b is absent
    step = family.step(level, state, jnp.int32(1), noise)
    assert (float(step.terminated), int(step.state.present)) == (p, 2 * p)


def test_impossible_combinations_are_refused():
    with pytest.raises(ValueError, match="do not show where objects are"):
        make_gridworld(observation="index", placement="random")
    with pytest.raises(ValueError, match="enlarge the sizes"):
        make_gridworld(GridSizes(side=9))
    with pytest.raises(ValueError, match="enlarge the sizes"):
        make_gridworld(GridSizes(objects=4))
    with pytest.raises(ValueError, match="no free cell for the start beside 9 objects"):
        make_gridworld(GridSizes(3, 9), LevelDistribution(min_size=3, max_size=3, walls=0, max_objects=9))


def test_step_compiles_once_for_all_levels():
    family = make_gridworld(GridSizes(side=6), BUSY)
    sample, step = jax.jit(family.sample_level), jax.jit(family.step)
    for seed in range(3):
        key = jax.random.key(seed)
        level, noise = sample(key), family.noise(key, ())
        step(level, family.reset(level, noise)[0], jnp.int32(seed), noise)
    assert step._cache_size() == 1
