"""Replay of trajectories: the ring, what is drawn, and what does not fit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.lpg.replay import add, draw, make_replay


def _trajectories(*names):
    """Trajectories of two steps that hold their own name."""
    return {
        "x": jnp.asarray([[n, n] for n in names], jnp.float32),
        "flag": jnp.asarray([[n % 2 == 0] * 2 for n in names]),
    }


def test_the_oldest_trajectories_make_room():
    replay = make_replay(jax.tree.map(lambda x: x[0], _trajectories(0)), capacity=5)
    assert (replay.capacity, int(replay.filled)) == (5, 0)
    replay = jax.jit(add)(jax.jit(add)(replay, _trajectories(1, 2, 3)), _trajectories(4, 5, 6))
    assert int(replay.filled) == 5
    assert replay.stored["x"][:, 0].tolist() == [6, 2, 3, 4, 5]
    assert replay.stored["flag"].dtype == bool
    np.testing.assert_array_equal(replay.stored["flag"][:, 1], replay.stored["x"][:, 0] % 2 == 0)


def test_every_trajectory_that_is_there_is_drawn_equally_often():
    replay = add(make_replay(jax.tree.map(lambda x: x[0], _trajectories(0)), capacity=9), _trajectories(1, 2, 3, 4))
    drawn = jax.jit(lambda key: draw(replay, key, 4000))(jax.random.key(0))
    names, counts = np.unique(np.asarray(drawn["x"][:, 0]), return_counts=True)
    assert names.tolist() == [1, 2, 3, 4]
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)
    np.testing.assert_array_equal(drawn["flag"][:, 0], drawn["x"][:, 0] % 2 == 0)


def test_more_workers_than_places_are_refused():
    replay = make_replay(jax.tree.map(lambda x: x[0], _trajectories(0)), capacity=2)
    with pytest.raises(ValueError, match="a replay of 2 trajectories cannot hold those of 3 workers: set capacity=3"):
        add(replay, _trajectories(1, 2, 3))
