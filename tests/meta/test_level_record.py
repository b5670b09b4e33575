"""A record holds finished lifetimes only, drawn at random where there are more than fit."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from groove.meta.level_record import feature_names, nothing_finished, record_finished
from groove.types import LevelOutcome
from tests._helpers.tiny import tiny_setup

ENV = SimpleNamespace(
    describe=lambda level: {"size": level, "half": level / 2},
    sample_level=lambda key: jnp.zeros(()),
)


def outcome(finished):
    number = jnp.arange(len(finished), dtype=float)
    unknown = LevelOutcome.unknown(jnp.array(finished))
    return dataclasses.replace(unknown, student_return=10 + number, antagonist_return=20 + number)


def record(finished, rows, seed=0):
    levels = jnp.arange(len(finished), dtype=float)
    return np.asarray(record_finished(ENV, levels, outcome(finished), jax.random.key(seed), rows))


def test_rows_are_returns_and_features_of_finished_lifetimes():
    rows = record([False, True, False, True], 3)
    assert sorted(rows[:2].tolist()) == [[11, 21, 0.5, 1], [13, 23, 1.5, 3]]
    assert np.isnan(rows[2]).all()
    assert feature_names(ENV) == ("half", "size")


def test_each_lifetime_is_drawn_equally_often_and_none_twice():
    drawn = np.stack([record([True] * 4 + [False], 2, seed)[:, 3] for seed in range(200)])
    assert (drawn[:, 0] != drawn[:, 1]).all()
    counts = np.bincount(drawn.astype(int).ravel(), minlength=5)
    assert counts[4] == 0
    assert (abs(counts[:4] - 100) < 35).all(), "five standard deviations of a hypergeometric count"


def test_nothing_is_recorded_of_a_meta_step_in_which_no_lifetime_ends():
    assert np.isnan(nothing_finished(ENV, 2)).all()
    assert nothing_finished(ENV, 2).shape == record([False] * 3, 2).shape == (2, 4)
    assert np.isnan(record([False] * 3, 2)).all()


def test_families_without_features_have_no_names():
    assert feature_names(tiny_setup().env._replace(describe=None)) == ()
    assert "wall_share" in feature_names(tiny_setup().env)
