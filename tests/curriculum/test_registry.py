import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum import CURRICULA, PLRConfig, make_curriculum
from groove.types import LevelOutcome

N = 4
CONFIG = PLRConfig(buffer_size=16)


def sample_level(key):
    return {"id": jax.random.bits(key, dtype=jnp.uint32)}


def make(name="ar", num_slots=N, **changes):
    return make_curriculum(name, sample_level, dataclasses.replace(CONFIG, **changes), num_slots)


@pytest.mark.parametrize("name", CURRICULA)
def test_every_curriculum_builds_and_steps(name):
    curriculum = make(name)
    assert curriculum.name == name
    assert curriculum.needs <= {f.name for f in dataclasses.fields(LevelOutcome)}
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    outcome = LevelOutcome(jnp.asarray([True, True, True, False]), jnp.zeros(N), jnp.arange(4.0))
    state = curriculum.update(state, ids, outcome)
    after, levels, ids = curriculum.sample(state, jax.random.key(1), outcome.finished)
    assert levels["id"].shape == ids.shape == (N,)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert all(jnp.shape(value) == () for value in curriculum.metrics(after).values())
    if curriculum.top is not None:
        _, scores = curriculum.top(state, 3)
        np.testing.assert_array_equal(scores, [2.0, 1.0, 0.0])


def test_the_curricula_of_the_paper_are_there():
    assert {"ar", "dr"} <= set(CURRICULA)
    assert make("ar").needs == {"student_return", "antagonist_return"}
    assert make("dr").needs == frozenset()


@pytest.mark.parametrize(("wrong", "nearest"), [("dR", "dr"), ("arr", "ar"), ("AR", "ar")])
def test_an_unknown_name_is_answered_with_the_nearest(wrong, nearest):
    with pytest.raises(ValueError, match=f"did you mean '{nearest}'.*dr, ar"):
        make(wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replay_probability": 1.5}, r"replay_probability = 1.5.*\[0, 1\]"),
        ({"replay_probability": -0.1}, r"replay_probability"),
        ({"replay_probability": math.nan}, r"replay_probability"),
        ({"staleness_coefficient": 2.0}, r"staleness_coefficient"),
        ({"min_fill": -1.0}, r"min_fill"),
        ({"temperature": 0.0}, r"temperature = 0.0.*topk"),
        ({"temperature": -1.0}, r"temperature"),
        ({"temperature": math.inf}, r"temperature"),
        ({"buffer_size": 0}, r"buffer_size"),
        ({"prioritization": "greedy"}, r"'greedy'.*rank, topk"),
    ],
)
def test_a_config_out_of_range_is_refused_at_construction(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG, **changes)


def test_a_buffer_without_room_for_eviction_is_refused():
    with pytest.raises(ValueError, match="at least 8, or at most 3 slots"):
        make(buffer_size=7)
    make(buffer_size=8)


def test_a_fill_that_the_slots_never_allow_is_refused():
    with pytest.raises(ValueError, match=r"min_fill = 0.8 waits for 13.*at most 12 of 16.*at most 0.75"):
        make(min_fill=0.8)
    make(min_fill=0.75)


@pytest.mark.parametrize("name", CURRICULA)
def test_less_than_one_slot_is_refused(name):
    with pytest.raises(ValueError, match="at least one slot"):
        make(name, num_slots=0)


def test_init_refuses_more_slots_than_the_curriculum_was_made_for():
    with pytest.raises(ValueError, match=f"made for {N} slots"):
        make().init(jax.random.key(0), N + 1)
