"""ACCEL: which levels are edited, when edits begin, and which levels are refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.accel import edits, make_accel
from groove.curriculum.buffer import Status, levels_at
from groove.curriculum.plr_config import PLRConfig
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome
from groove.utils.errors import GrooveError
from tests._helpers.buffers import buffer_of

SCORED, ACTIVE = Status.SCORED, Status.ACTIVE
N = 4
CONFIG = PLRConfig(buffer_size=16, replay_probability=0.0, min_fill=0.2)


def sample_level(key):
    return {"id": jax.random.bits(key, dtype=jnp.uint32)}


def mutate(key, level):
    return {"id": level["id"] + jnp.uint32(1)}


ENV = make_gridworld()._replace(sample_level=sample_level, mutate=mutate)


def make(**changes):
    return make_accel(ENV, dataclasses.replace(CONFIG, **changes), "uniform", N)


def test_under_topk_the_best_levels_are_the_parents_of_edits():
    buffer = buffer_of([1.0, -3.0, 0.5, 9.0, 2.0], [SCORED, SCORED, ACTIVE, SCORED, SCORED])
    config = PLRConfig(prioritization="topk")
    for n, parents in ((3, [3, 4, 0]), (5, [3, 4, 0, 1, 3])):
        _, edited = edits(lambda key, level: level, buffer, config, jax.random.key(0), n)
        jax.tree.map(np.testing.assert_array_equal, edited, levels_at(buffer, jnp.asarray(parents)))


def test_accel_hands_out_edits_of_scored_levels_once_enough_are_scored():
    curriculum = make()
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    first = set(levels["id"].tolist())
    state = curriculum.update(state, ids, LevelOutcome.unknown(jnp.ones(N, bool)))
    _, levels, _ = curriculum.sample(state, jax.random.key(1), jnp.ones(N, bool))
    assert {level - 1 for level in levels["id"].tolist()} <= first
    unready = make(min_fill=0.5)
    _, levels, _ = unready.sample(state, jax.random.key(1), jnp.ones(N, bool))
    assert not {level - 1 for level in levels["id"].tolist()} & first


def test_the_edit_probability_is_the_share_of_edited_levels():
    buffer = buffer_of([1.0, 2.0])
    is_edit, _ = edits(lambda key, level: level, buffer, PLRConfig(edit_probability=0.25), jax.random.key(0), 2000)
    assert np.mean(is_edit) == pytest.approx(0.25, abs=0.04)


def test_levels_that_cannot_be_edited_are_refused():
    with pytest.raises(GrooveError, match='levels of "gridworld" cannot be edited: choose a source of gridworlds'):
        make_accel(ENV._replace(mutate=None), CONFIG, "ar", N)
