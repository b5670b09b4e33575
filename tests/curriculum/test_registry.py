"""Names of curricula, and every registered curriculum built and stepped."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.archive import ArchiveConfig
from groove.curriculum.base import Score
from groove.curriculum.fixed import make_dr
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.registry import (
    METHODS,
    MethodEntry,
    Settings,
    check_curriculum,
    curriculum_names,
    make_curriculum,
    parse_curriculum,
)
from groove.curriculum.scores import SCORES
from groove.envs.base import Design, Factor
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.registry import ENVIRONMENTS, EnvEntry
from groove.types import LevelOutcome
from groove.utils.errors import GrooveError

N = 4
CONFIG = PLRConfig(buffer_size=16)


def sample_level(key):
    return {"id": jax.random.bits(key, dtype=jnp.uint32)}


def mutate(key, level):
    return {"id": level["id"] + jnp.uint32(1)}


DESIGN = Design(lambda u: {"id": jnp.uint32(u[0] * 2**20)}, 1, (Factor("id", (0,)),))
ENV = make_gridworld()._replace(
    sample_level=sample_level,
    mutate=mutate,
    perturb=None,
    design=DESIGN,
    describe=lambda level: {"low": (level["id"] % 1024) * 1.0, "high": (level["id"] // 1024) * 1.0},
)
ARCHIVE = ArchiveConfig(axes=("low", "high"), ranges=2)


def make(name="ar", num_slots=N, **changes):
    settings = Settings(dataclasses.replace(CONFIG, **changes), archive=ARCHIVE)
    return make_curriculum(parse_curriculum(name), ENV, settings, num_slots)


@pytest.mark.parametrize("name", ["dr", *SCORES, *METHODS, "accel:pvl"])
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
    assert {"ar", "dr", "pvl", "l1", "optimal"} <= set(curriculum_names())
    assert make("ar").needs == {"student_return", "antagonist_return"}
    assert make("dr").needs == make("uniform").needs == frozenset()


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("dr", ("fixed", "", "dr")),
        ("ar", ("plr", "ar", "dr")),
        ("plr", ("plr", "ar", "dr")),
        ("plr:pvl@mazes", ("plr", "pvl", "mazes")),
        ("pvl@mazes", ("plr", "pvl", "mazes")),
        ("accel", ("accel", "ar", "dr")),
        ("accel:l1@set:a:b@c", ("accel", "l1", "set:a:b@c")),
        ("dr=0.5,mazes=1", ("fixed", "", "dr=0.5,mazes=1")),
        ("set:ar.safetensors", ("fixed", "", "set:ar.safetensors")),
        ("set:a@b.safetensors", ("fixed", "", "set:a@b.safetensors")),
        ("networks:set:a@b.safetensors", ("fixed", "", "networks:set:a@b.safetensors")),
        ("dr=0.5,set:a@b.safetensors=0.5", ("fixed", "", "dr=0.5,set:a@b.safetensors=0.5")),
    ],
)
def test_names_are_read(name, spec):
    assert parse_curriculum(name) == spec


def test_an_unknown_score_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r'unknown score "pv" \(did you mean "pvl"\?\); choose one of ar, '):
        parse_curriculum("accel:pv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "at",
            r'unknown curriculum "at" \(did you mean "ar"\?\); choose one of dr, ar, .*, plr, accel, .*, handcrafted, ',
        ),
        ("acel@mazes", r'unknown score or method "acel" \(did you mean "accel"\?\)'),
        ("ar@mazs", r'unknown source "mazs" \(did you mean "mazes"\?\)'),
        ("ar@", r'names no source after "@"'),
        ("ncc:", r'"ncc:" names no score after ":"; write ncc, or'),
        ("ar:@mazes", r'"ar:@mazes" names no score after ":"; write ar, or'),
        ("set:0", '"set:0" is an empty set'),
        ("ar@set:1000001", "is too large a set: set:N takes at most 1,000,000 levels"),
        ("set:" + "9" * 5000, "is too large a set"),
        ("set", r'unknown curriculum "set" \(did you mean "set:N"\?\)'),
    ],
)
def test_names_of_no_curriculum_are_refused(name, message):
    with pytest.raises(GrooveError, match=message):
        check_curriculum(name)


def test_every_name_that_is_listed_is_a_curriculum():
    for name in curriculum_names():
        check_curriculum(name)
    assert all(entry.about for entry in METHODS.values())


def test_a_new_method_is_one_entry(monkeypatch):
    def make_new(env, config, score, num_slots):
        return make_dr(env.sample_level)._replace(name=f"{score} of {num_slots}")

    monkeypatch.setitem(METHODS, "new", MethodEntry(make_new, "a method of a test"))
    check_curriculum("new:l1@mazes")
    assert make("new:l1").name == "l1 of 4"
    assert "new" in curriculum_names()


def test_a_new_score_is_one_entry(monkeypatch):
    score = Score(lambda outcome: outcome.student_variance, frozenset({"student_variance"}), "a score of a test")
    monkeypatch.setitem(SCORES, "variance", score)
    check_curriculum("accel:variance@mazes")
    curriculum = make("variance", replay_probability=1.0, min_fill=0.1)
    assert curriculum.needs == {"student_variance"}
    state, _, ids = curriculum.init(jax.random.key(0), N)
    outcome = dataclasses.replace(LevelOutcome.unknown(jnp.ones(N, bool)), student_variance=jnp.arange(4.0))
    assert curriculum.top(curriculum.update(state, ids, outcome), 2)[1].tolist() == [3.0, 2.0]


@pytest.mark.parametrize("name", ["paired", "repaired"])
def test_only_levels_with_a_design_are_designed(name):
    with pytest.raises(GrooveError, match=r"cannot be designed: choose random gridworlds or arcade worlds"):
        make_curriculum(parse_curriculum(name), make_chain(), Settings(CONFIG), N)


def test_a_new_environment_is_one_entry_and_has_every_curriculum(monkeypatch):
    monkeypatch.setitem(ENVIRONMENTS, "new", EnvEntry(lambda levels, sizes: make_chain(), "an environment of a test"))
    for name in ("new", "ar@new", "accel:pvl@new"):
        check_curriculum(name)
        assert parse_curriculum(name).source == "new"


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
