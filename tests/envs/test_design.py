"""Designs of levels: random numbers make random levels, and each factor moves what it is named after."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from groove.curriculum.sources.registry import make_source
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from tests._helpers.arcade import assert_valid

LEVELS = LevelDistribution(min_lifetime=100, max_lifetime=800, step_reward_share=0.5)
SOURCES = ("dr", "networks", "worlds")


def family(source, levels=LEVELS):
    return make_source(source, levels, GridSizes(), jax.random.key(0))


@functools.cache
def compiled(source):
    """Return the design of a source, and its function for many levels at once."""
    design = family(source).design
    return design, jax.jit(jax.vmap(design.make))


def numbers(design, n, seed=0):
    return jax.random.uniform(jax.random.key(seed), (n, design.draws))


def test_random_numbers_make_the_worlds_that_are_sampled():
    env = family("worlds")
    keys = jax.random.split(jax.random.key(3), 50)
    sampled = jax.vmap(env.sample_level)(keys)
    made = jax.vmap(lambda key: env.design.make(jax.random.uniform(key, (env.design.draws,))))(keys)
    jax.tree.map(np.testing.assert_array_equal, made, sampled)
    assert_valid(made)


@pytest.mark.parametrize("source", [pytest.param("dr", marks=pytest.mark.slow), "networks"])
def test_random_numbers_make_random_gridworlds(source):
    env = family(source)
    made = jax.vmap(env.describe)(jax.vmap(env.design.make)(numbers(env.design, 2000)))
    sampled = jax.vmap(env.describe)(jax.vmap(env.sample_level)(jax.random.split(jax.random.key(1), 2000)))
    for name, values in made.items():
        if name == "solvable":  # designs have 0 to twice the walls of random levels, so that more of them have no path
            continue
        theirs, ours = (np.asarray(x)[np.isfinite(x)] for x in (sampled[name], values))
        spread = max(theirs.std(), 1e-6)
        assert abs(ours.mean() - theirs.mean()) < 0.15 * spread, name
    walls = {name: np.asarray(x["walls"]) if "walls" in x else None for name, x in (("m", made), ("s", sampled))}
    if walls["m"] is not None:
        assert walls["m"].std() > 1.5 * walls["s"].std(), "designs have many walls, or few"


@pytest.mark.parametrize("source", SOURCES)
def test_a_family_is_hashable_as_arguments_of_compiled_functions_are(source):
    hash(family(source))


@pytest.mark.parametrize("source", SOURCES)
def test_factors_share_no_number_and_lie_in_range(source):
    design = family(source).design
    places = [place for factor in design.factors for place in factor.places]
    assert len(set(places)) == len(places)
    assert min(places) >= 0
    assert max(places) < design.draws
    assert all(factor.places for factor in design.factors)


FIELDS = {
    "dr": {
        "size": "size",
        "steps": "max_steps",
        "lifetime": "lifetime",
        "terminate": "p_terminate",
        "respawn": "p_respawn",
        "first_reward": "object_reward",
        "other_rewards": "object_reward",
        "objects": "object_cell",
        "walls": "walls",
        "step_reward": "step_reward",
        "step_sign": "step_reward",
        "pays_steps": "step_reward",
    },
    "worlds": {
        "height": "height",
        "width": "width",
        "axes": "horizontal",
        "source": "goal",
        "shoots": "shoots",
        "pays_steps": "step_reward",
        "step_reward": "step_reward",
        "delays": "delay",
        "delay": "delay",
        "is_sticky": "p_sticky",
        "sticky": "p_sticky",
        "lives": "lives",
        "steps": "max_steps",
        "lifetime": "lifetime",
        "movement": "classes.movement",
        "period": "classes.period",
        "count": "classes.count",
        "spawn": "classes.p_spawn",
        "role": "classes.shot_reward",
    },
}


@pytest.mark.parametrize(("source", "factor"), [(s, f) for s, fields in FIELDS.items() for f in fields])
def test_a_factor_moves_what_it_is_named_after(source, factor):
    design, make = compiled(source)
    assert {own.name for own in design.factors} == set(FIELDS[source])
    u = numbers(design, 200)
    places = list(dict(design.factors)[factor])
    moved = u.at[:, places].set(jax.random.uniform(jax.random.key(9), (200, len(places))))
    before, after = make(u), make(moved)
    changed = {name for name, x, y in zip(_names(before), *map(jax.tree.leaves, (before, after)), strict=True)
               if not np.array_equal(x, y)}  # fmt: skip
    assert FIELDS[source][factor] in changed
    alone = {
        "steps",
        "lifetime",
        "terminate",
        "respawn",
        "delays",
        "delay",
        "is_sticky",
        "sticky",
        "lives",
        "spawn",
        "period",
    }
    if factor in alone:
        assert changed == {FIELDS[source][factor]}


def test_factors_of_one_value_are_left_out():
    levels = dataclasses.replace(LEVELS, max_lifetime=100, min_size=10, step_reward_share=0.0)
    assert not {"lifetime", "size", "step_reward"} & set(dict(family("dr", levels).design.factors))
    assert "lifetime" not in dict(family("worlds", levels).design.factors)


@pytest.mark.parametrize("source", ["mazes", "dr=0.5,mazes=0.5", "set:3", "random_grid", "chain"])
def test_other_sources_have_no_design(source):
    assert family(source).design is None


def _names(level):
    return [jax.tree_util.keystr(path).strip(".") for path, _ in jax.tree_util.tree_leaves_with_path(level)]
