"""The best levels of the buffer, or the levels in use, with their scores."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.envs.gridworld.dynamics import make_gridworld
from groove.training.trained_levels import can_be_saved, draw_trained_levels, trained_levels
from tests._helpers.tiny import LEVELS, SIZES

ENV = make_gridworld(SIZES, LEVELS)
DRAWN = jax.vmap(ENV.sample_level)(jax.random.split(jax.random.key(0), 4))


def groups(top, env=ENV):
    return [SimpleNamespace(setup=SimpleNamespace(env=env), curriculum=SimpleNamespace(name="ar", top=top))]


def state():
    return SimpleNamespace(levels=SimpleNamespace(level=DRAWN), curriculum=None)


def test_scored_levels_of_the_buffer_come_first():
    scores = jnp.array([3.0, 1.0, -jnp.inf, -jnp.inf])
    levels, kept = trained_levels(groups(lambda _, count: (DRAWN, scores)), 0, state(), 4)
    assert kept.tolist() == [3.0, 1.0]
    np.testing.assert_array_equal(levels.start, np.asarray(DRAWN.start)[:2])


def test_without_a_buffer_the_levels_in_use_are_taken():
    levels, scores = trained_levels(groups(None), 0, state(), 4)
    assert np.isnan(scores).tolist() == [True] * 4
    np.testing.assert_array_equal(levels.start, DRAWN.start)


@pytest.mark.parametrize("top", [None, lambda _, count: (DRAWN, jnp.array([2.0, 1.0, 0.5, -jnp.inf]))])
def test_levels_are_drawn(tmp_path, top):
    draw_trained_levels(groups(top), 0, state(), 32, tmp_path / "levels.png")
    assert (tmp_path / "levels.png").stat().st_size > 1000


def test_families_draw_their_own_levels(tmp_path):
    drawn = []
    env = SimpleNamespace(draw=lambda levels, titles, path: drawn.append((levels, titles, path)))
    top = lambda _, count: (DRAWN, jnp.array([2.0, 1.0, 0.5, -jnp.inf]))  # noqa: E731
    draw_trained_levels(groups(top, env), 0, state(), 32, tmp_path / "levels.png")
    ((levels, titles, path),) = drawn
    assert titles == ["regret 2.00", "regret 1.00", "regret 0.50"]
    assert [int(level.start) for level in levels] == np.asarray(DRAWN.start)[:3].tolist()
    assert path == tmp_path / "levels.png"


def test_an_empty_buffer_and_other_levels_are_not_drawn(tmp_path):
    empty = groups(lambda _, count: (DRAWN, jnp.full(4, -jnp.inf)))
    draw_trained_levels(empty, 0, state(), 32, tmp_path / "levels.png")
    moving = groups(None, SimpleNamespace(describe=None, draw=None))
    assert not can_be_saved(DRAWN, moving[0])
    draw_trained_levels(moving, 0, state(), 32, tmp_path / "levels.png")
    assert list(tmp_path.iterdir()) == []
