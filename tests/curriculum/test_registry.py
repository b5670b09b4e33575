import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum import CURRICULA, SCORES, PLRConfig, make_curriculum, parse_curriculum
from groove.envs.gridworld.dynamics import make_gridworld
from groove.types import LevelOutcome

N = 4
CONFIG = PLRConfig(buffer_size=16)


def sample_level(key):
    return {"id": jax.random.bits(key, dtype=jnp.uint32)}


def mutate(key, level):
    return {"id": level["id"] + jnp.uint32(1)}


ENV = make_gridworld()._replace(sample_level=sample_level, mutate=mutate)


def make(name="ar", num_slots=N, **changes):
    return make_curriculum(parse_curriculum(name), ENV, dataclasses.replace(CONFIG, **changes), num_slots)


@pytest.mark.parametrize("name", [*CURRICULA, "accel:pvl"])
def test_every_curriculum_builds_and_steps(name):
    curriculum = make(name)
    assert curriculum.needs <= {f.name for f in dataclasses.fields(LevelOutcome)}
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    outcome = LevelOutcome.unknown(jnp.asarray([True, True, True, False]))
    outcome = dataclasses.replace(outcome, **dict.fromkeys(curriculum.needs, jnp.arange(1.0, 5.0)))
    state = curriculum.update(state, ids, outcome)
    after, levels, ids = curriculum.sample(state, jax.random.key(1), outcome.finished)
    assert levels["id"].shape == ids.shape == (N,)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert curriculum.weight(after, ids).tolist() == [1.0] * N
    assert all(jnp.shape(value) == () for value in curriculum.metrics(after).values())
    if curriculum.top is not None:
        _, scores = curriculum.top(state, 4)
        assert np.isfinite(scores).tolist() == [True, True, True, False]


def test_the_curricula_of_the_paper_are_there():
    assert {"ar", "dr", "pvl", "l1", "optimal"} <= set(CURRICULA)
    assert make("ar").needs == {"student_return", "antagonist_return"}
    assert make("dr").needs == make("uniform").needs == frozenset()


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("dr", ("fixed", "", "dr")),
        ("ar", ("plr", "ar", "dr")),
        ("pvl@mazes", ("plr", "pvl", "mazes")),
        ("accel", ("accel", "ar", "dr")),
        ("accel:l1@set:a:b@c", ("accel", "l1", "set:a:b@c")),
        ("dr=0.5,mazes=1", ("fixed", "", "dr=0.5,mazes=1")),
        ("set:ar.safetensors", ("fixed", "", "set:ar.safetensors")),
    ],
)
def test_names_are_read(name, spec):
    assert parse_curriculum(name) == spec


def test_an_unknown_score_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r'unknown score "pv" \(did you mean "pvl"\?\); there are ar, '):
        parse_curriculum("accel:pv")


def test_levels_that_cannot_be_edited_are_refused():
    with pytest.raises(ValueError, match="cannot be edited"):
        make_curriculum(parse_curriculum("accel"), ENV._replace(mutate=None), CONFIG, N)


def test_accel_hands_out_edits_of_scored_levels_once_enough_are_scored():
    curriculum = make("accel:uniform", replay_probability=0.0, min_fill=0.2)
    state, levels, ids = curriculum.init(jax.random.key(0), N)
    first = set(levels["id"].tolist())
    state = curriculum.update(state, ids, LevelOutcome.unknown(jnp.ones(N, bool)))
    _, levels, _ = curriculum.sample(state, jax.random.key(1), jnp.ones(N, bool))
    assert {level - 1 for level in levels["id"].tolist()} <= first
    unready = make("accel:uniform", replay_probability=0.0, min_fill=0.5)
    _, levels, _ = unready.sample(state, jax.random.key(1), jnp.ones(N, bool))
    assert not {level - 1 for level in levels["id"].tolist()} & first


def test_robust_replay_learns_from_replayed_levels_only():
    curriculum = make("uniform", robust=True, replay_probability=1.0, min_fill=0.1)
    state, _, ids = curriculum.init(jax.random.key(0), N)
    assert curriculum.weight(state, ids).tolist() == [0.0] * N
    state = curriculum.update(state, ids, LevelOutcome.unknown(jnp.asarray([True, True, False, False])))
    state, _, ids = curriculum.sample(state, jax.random.key(1), jnp.asarray([True, True, False, False]))
    assert curriculum.weight(state, ids)[:2].tolist() == [1.0, 1.0]


def test_what_was_found_out_of_a_level_is_recalled():
    curriculum = make("optimal", replay_probability=1.0, min_fill=0.1)
    state, _, ids = curriculum.init(jax.random.key(0), N)
    outcome = dataclasses.replace(
        LevelOutcome.unknown(jnp.ones(N, bool)), optimal_return=jnp.arange(4.0), student_return=jnp.zeros(N)
    )
    state = curriculum.update(state, ids, outcome)
    assert curriculum.recall(state, ids).optimal_return.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert np.isnan(curriculum.recall(state, jnp.asarray([-1])).optimal_return).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replay_probability": 1.5}, r"replay_probability = 1.5.*\[0, 1\]"),
        ({"replay_probability": -0.1}, r"replay_probability"),
        ({"replay_probability": math.nan}, r"replay_probability"),
        ({"staleness_coefficient": 2.0}, r"staleness_coefficient"),
        ({"edit_probability": 2.0}, r"edit_probability"),
        ({"min_fill": -1.0}, r"min_fill"),
        ({"temperature": 0.0}, r"temperature = 0.0.*topk"),
        ({"temperature": -1.0}, r"temperature"),
        ({"temperature": math.inf}, r"temperature"),
        ({"buffer_size": 0}, r"buffer_size"),
        ({"prioritization": "greedy"}, r"'greedy'.*rank, proportional, topk"),
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


@pytest.mark.parametrize("name", ["dr", *SCORES])
def test_less_than_one_slot_is_refused(name):
    with pytest.raises(ValueError, match="at least one slot"):
        make(name, num_slots=0)


def test_init_refuses_more_slots_than_the_curriculum_was_made_for():
    with pytest.raises(ValueError, match=f"made for {N} slots"):
        make().init(jax.random.key(0), N + 1)
