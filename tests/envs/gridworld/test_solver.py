"""The solver: equal to expectimax in plain Python, to values worked out by hand, and never below a policy's return."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level
from groove.envs.gridworld.solver import nearest_positive_object, optimal_return
from tests._helpers.reference import best_return, draw, level_of, nth

ROW = GridSizes(side=5, objects=2)
solve_row = jax.jit(lambda level: optimal_return(level, ROW))


@pytest.mark.parametrize("diagonal", [False, True])
def test_is_expectimax_on_tiny_levels(diagonal):
    sizes = GridSizes(side=4, objects=3, diagonal=diagonal)
    dist = LevelDistribution(
        *(3, 3, 2, 3),
        min_steps=3,
        max_steps=6,
        min_terminate=0.1,
        min_respawn=0.05,
        max_respawn=1.0,
        step_reward_share=0.5,
    )
    levels = draw(lambda key: sample_level(key, dist, sizes), 7, 40)
    solved = jax.jit(jax.vmap(lambda level: optimal_return(level, sizes)))(levels)
    expected = [best_return(nth(levels, n), sizes) for n in range(40)]
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(solved, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("picture", "objects", "steps", "expected"),
    [
        # Two steps to the only object, which ends the episode.
        ("S.a## #####", {"a": (1.0, 1.0, 0.0)}, 1, 0.0),
        ("S.a## #####", {"a": (1.0, 1.0, 0.0)}, 2, 1.0),
        ("S.a## #####", {"a": (1.0, 1.0, 0.0)}, 9, 1.0),
        # It comes back at once, and can be collected every second step: at steps 2, 4, 6, 8.
        ("S.a## #####", {"a": (1.0, 0.0, 1.0)}, 9, 4.0),
        # Collecting at steps 2 and 4, if the first did not end the episode.
        ("S.a## #####", {"a": (1.0, 0.5, 1.0)}, 4, 1.5),
        # Absent since step 2, it is there at step 4 if it came back in step 3.
        ("S.a## #####", {"a": (1.0, 0.0, 0.25)}, 4, 1.25),
        # Through a bad object: -0.3, then half the time 1.
        ("Sxa## #####", {"a": (1.0, 1.0, 0.0), "x": (-0.3, 0.5, 0.0)}, 9, 0.2),
        ("Sxa## #####", {"a": (1.0, 1.0, 0.0), "x": (-0.6, 0.5, 0.0)}, 9, 0.0),
        # The better one first would end the episode.
        ("aS.b# #####", {"a": (1.0, 1.0, 0.0), "b": (0.4, 0.0, 0.0)}, 5, 1.4),
        ("aS.b# #####", {"a": (1.0, 1.0, 0.0), "b": (0.4, 0.0, 0.0)}, 4, 1.0),
        # A wall between.
        ("S#a## #####", {"a": (1.0, 1.0, 0.0)}, 50, 0.0),
        ("S#a.. ...#.", {"a": (1.0, 1.0, 0.0)}, 4, 1.0),
        ("S#a.. ...#.", {"a": (1.0, 1.0, 0.0)}, 3, 0.0),
    ],
)
def test_values_worked_out_by_hand(picture, objects, steps, expected):
    rows = " ".join([*picture.split(), *["#####"] * 3])
    assert solve_row(level_of(rows, objects, steps, ROW)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("step_reward", "reward", "expected"), [(1.0, 5.0, 14.0), (-1.0, -0.5, -1.5), (-0.2, 0.3, 0.1), (0.5, 5.0, 9.5)]
)
def test_where_steps_pay_the_best_survive_and_where_they_cost_they_hurry(step_reward, reward, expected):
    # An object one step away ends the episode of at most nine steps. The best policy takes it at once, last, or never.
    level = level_of("Sa### ##### ##### ##### #####", {"a": (reward, 1.0, 0.0)}, 9, ROW, step_reward)
    assert solve_row(level) == pytest.approx(expected, abs=1e-5)


def returns_of(family, levels, logits, steps, episodes):
    """Undiscounted returns f32 [N, E] of softmax policies [N, states, A], one a level."""
    shape = (steps, levels.start.shape[0], episodes)
    uniform, noise = jax.random.uniform(jax.random.key(0), shape), family.noise(jax.random.key(1), shape)

    def one(level, logits, carry, uniform, noise):
        state, obs, alive = carry
        action = jnp.sum(uniform > jnp.cumsum(jax.nn.softmax(logits[obs]))[:-1])
        step = family.step(level, state, action, noise)
        after = alive & ~(step.terminated | step.truncated)
        return (step.state, step.obs, after), jnp.where(alive, step.reward, 0.0)

    batch = jax.vmap(jax.vmap(one, (None, None, 0, 0, 0)))
    reset = jax.vmap(jax.vmap(family.reset, (None, 0)))(levels, jax.tree.map(lambda leaf: leaf[0], noise))
    start = (*reset, jnp.ones(shape[1:], bool))
    return jax.lax.scan(lambda carry, xs: batch(levels, logits, carry, *xs), start, (uniform, noise))[1].sum(0)


def test_no_random_policy_does_better():
    sizes, dist = GridSizes(side=5, objects=3), LevelDistribution(4, 5, 4, 3, min_steps=10, max_steps=40)
    family = make_gridworld(sizes, dist)
    levels = draw(family.sample_level, 2, 30)
    best = np.asarray(jax.jit(jax.vmap(lambda level: optimal_return(level, sizes)))(levels))
    logits = 3.0 * np.random.default_rng(0).normal(size=(30, sizes.states, 5)).astype(np.float32)
    got = np.asarray(jax.jit(lambda: returns_of(family, levels, logits, 40, 400))())
    error = got.std(1) / np.sqrt(got.shape[1])
    assert (got.mean(1) <= best + 4 * error + 1e-5).all()
    assert (got.mean(1) < best - 4 * error).mean() > 0.5  # else the bound would be too loose to test anything
    assert (best >= -1e-6).all()  # staying put costs nothing


def test_more_time_is_never_worse_and_trip_count_is_data():
    level = level_of("Sxa.. .#.#. ..b.. ..... .....", {"a": (1.0, 0.2, 0.1), "x": (-0.5, 0.1, 0.3)}, 1, ROW)
    solve = jax.jit(lambda level, steps: optimal_return(dataclasses.replace(level, max_steps=steps), ROW))
    values = [float(solve(level, jnp.int32(steps))) for steps in (1, 2, 3, 5, 9, 20, 60)]
    assert values == sorted(values)
    assert values[-1] > values[0]
    assert solve._cache_size() == 1


@pytest.mark.parametrize(
    ("picture", "reward", "diagonal", "expected"),
    [
        ("a.S.b", 1.0, False, 2),
        ("a...S", -1.0, False, 4),
        ("a#..S", 1.0, False, -1),
        ("S.... ####. b.... ##### #####", 1.0, False, 10),
        ("S...b .#.#. a.... ..... .....", -1.0, False, 2),
        ("S#... #.... .#a.b", 1.0, True, 2),
        ("S#... ##... ..a.b", 1.0, True, -1),
    ],
)
def test_nearest_positive_object(picture, reward, diagonal, expected):
    sizes = GridSizes(side=5, objects=2, diagonal=diagonal)
    rows = picture.split()
    marks = {"a": (1.0, 0.0, 0.0), "b": (reward, 0.0, 0.0)}
    objects = {mark: marks[mark] for mark in marks if mark in picture}
    level = level_of(" ".join(rows + ["#####"] * (5 - len(rows))), objects, 9, sizes)
    assert jax.jit(lambda level: nearest_positive_object(level, sizes))(level) == expected


def test_nearest_positive_object_where_the_start_holds_one_and_where_there_is_none():
    level = level_of("Sa... ##### ##### ##### #####", {"a": (1.0, 0.0, 0.0)}, 9, ROW)
    there = dataclasses.replace(level, start=level.object_cell[0])
    none = dataclasses.replace(level, object_reward=-level.object_reward)
    found = jax.vmap(lambda level: nearest_positive_object(level, ROW))(
        jax.tree.map(lambda *leaves: jnp.stack(leaves), level, there, none)
    )
    np.testing.assert_array_equal(found, [1, 0, -1])
