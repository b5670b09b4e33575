"""Edits of arcade worlds: one rule changes, and the world stays valid."""

import jax
import numpy as np
import pytest

from groove.envs.worlds.family import make_worlds
from groove.envs.worlds.levels import CLASSES
from tests._helpers.arcade import assert_valid, entries
from tests._helpers.reference import draw, nth

FAMILY = make_worlds()
LEVELS = 2000
FIXED = ("height", "width", "start_row", "start_col", "horizontal", "vertical", "shoots", "aim", "goal", "goal_reward")


@pytest.fixture(scope="module")
def mutate():
    return jax.jit(lambda key, levels: jax.vmap(FAMILY.mutate)(jax.random.split(key, LEVELS), levels))


@pytest.fixture(scope="module")
def pairs(mutate):
    levels = draw(FAMILY.sample_level, 0, LEVELS)
    return levels, jax.tree.map(np.asarray, mutate(jax.random.key(1), levels))


def changes(before, after):
    old, new = entries(before), entries(after)
    return [name for name in old if not np.array_equal(old[name], new[name])]


def test_exactly_one_rule_changes_and_every_rule_can(pairs):
    changed = [changes(nth(pairs[0], n), nth(pairs[1], n)) for n in range(LEVELS)]
    assert {len(names) for names in changed} == {1}
    rules = {name.partition(" ")[0] for names in changed for name in names}
    every = {name.partition(" ")[0] for name in entries(nth(pairs[0], 0))}
    assert every - rules == {*FIXED, "lifetime", "shootable"}
    assert {name for names in changed for name in names if name.startswith("count")} == {
        f"count {k}" for k in range(CLASSES)
    }


def test_many_edits_later_worlds_are_still_valid_and_have_their_source(mutate, pairs):
    levels = pairs[1]
    for seed in range(30):
        levels = mutate(jax.random.key(seed), levels)
    levels = jax.tree.map(np.asarray, levels)
    assert_valid(levels)
    first, once = levels.classes, pairs[0].classes
    assert (first.count[:, 0] > 0).all()
    for name in ("touch_reward", "shot_reward"):
        was, now = getattr(once, name)[:, 0], getattr(first, name)[:, 0]
        assert (now[was > 0] > 0).all()
        assert (now[was <= 0] <= 0).all()
    survival = pairs[0].step_reward >= 0.05
    assert (levels.step_reward[survival] > 0).all()


def test_a_key_determines_an_edit(mutate, pairs):
    again = mutate(jax.random.key(1), pairs[0])
    jax.tree.map(np.testing.assert_array_equal, again, pairs[1])
