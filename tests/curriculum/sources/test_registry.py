"""Sources: the levels they draw, the sizes of mixtures, and names that are refused before a backend starts."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from groove.curriculum.sources.grids import GridSource, SourceEntry
from groove.curriculum.sources.registry import SOURCES, by_kind, check_source, make_source, pin_source, source_names
from groove.envs.base import Box, Discrete, MultiHot
from groove.envs.chain import make_chain
from groove.envs.gridworld.level_file import LevelSet, resize, save_levels, without_place
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level, sample_level, sizes_of
from groove.envs.registry import ENVIRONMENTS, EnvEntry

LEVELS = LevelDistribution(min_lifetime=7, max_lifetime=9)
SIZES = GridSizes()
KEY = jax.random.key(0)


def draw(name, n=64, sizes=SIZES):
    env = make_source(name, LEVELS, sizes, KEY)
    return env, jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(1), n))


@pytest.mark.parametrize(
    ("name", "side", "objects"),
    [("dr", 10, 5), ("handcrafted", 13, 7), ("mazes", 10, 5), ("set:3", 10, 5), ("dr=1,handcrafted=1", 13, 7)],
)
def test_tabular_sources_draw_valid_levels_of_common_sizes(name, side, objects):
    env, levels = draw(name)
    sizes = sizes_of(levels, SIZES)
    assert (sizes.side, sizes.objects) == (side, objects)
    assert env.observation == Discrete(sizes.states)
    for i in range(8):
        check_level(jax.tree.map(lambda x, i=i: np.asarray(x[i]), levels), sizes)
    assert set(np.asarray(levels.lifetime).tolist()) <= {7, 8, 9}


def test_networks_see_the_levels_that_tables_do_and_varied_ones_pay_steps():
    (_, dr), (env, networks), (_, varied) = (draw(name) for name in ("dr", "networks", "varied"))
    assert env.observation == MultiHot(105, 6)
    jax.tree.map(np.testing.assert_array_equal, networks, dr)
    assert 16 < np.count_nonzero(varied.step_reward) < 48
    np.testing.assert_array_equal(varied.walls, dr.walls)


def test_networks_take_any_tabular_source():
    for source in ("set:3", "dr=1,handcrafted=1"):
        (tables, expected), (env, levels) = draw(source), draw(f"networks:{source}")
        assert isinstance(tables.observation, Discrete)
        sizes = sizes_of(levels, SIZES)
        assert env.observation == MultiHot(sizes.cells + sizes.objects, 1 + sizes.objects)
        jax.tree.map(np.testing.assert_array_equal, levels, expected)
    assert pin_source("networks:dr=0.5,mazes=0.5") == "networks:dr=0.5,mazes=0.5"
    for wrong in ("networks:varied", "networks:networks", "networks:chain"):
        with pytest.raises(ValueError, match="Mix it without the prefix"):
            check_source(wrong)
    with pytest.raises(ValueError, match='unknown source "maze"'):
        check_source("networks:maze")


@pytest.mark.parametrize("name", ["random_grid", "chain", "chain_distractor"])
def test_other_sources_bring_their_own_observations(name):
    env, levels = draw(name, 8)
    assert isinstance(env.observation, Discrete if name == "chain" else Box)
    assert set(np.asarray(jax.vmap(env.lifetime)(levels)).tolist()) <= {7, 8, 9}


def test_a_frozen_set_has_exactly_n_levels():
    _, levels = draw("set:3", 200)
    assert len(np.unique(np.asarray(levels.object_reward)[:, 0])) == 3
    _, again = draw("set:3", 200)
    np.testing.assert_array_equal(levels.walls, again.walls)


def test_a_mixture_draws_each_member_as_often_as_it_weighs():
    _, levels = draw("dr=1,handcrafted=3", 2000)
    np.testing.assert_allclose(np.mean(np.asarray(levels.max_steps) > 750), 3 / 4 * 3 / 5, atol=0.04)


def test_a_smaller_frozen_set_is_the_beginning_of_a_larger_one():
    few, many = (set(np.asarray(draw(name, 300)[1].object_reward)[:, 0].tolist()) for name in ("set:3", "set:5"))
    assert len(many) == 5
    assert few < many


def save_two(path, seed=0):
    keys = jax.random.split(jax.random.key(seed), 2)
    kept = jax.vmap(lambda k: sample_level(k, LevelDistribution(), SIZES))(keys)
    save_levels(path, LevelSet(jax.tree.map(np.asarray, kept), SIZES, np.full(2, np.nan), {}))
    return kept


def test_a_pinned_file_is_found_from_anywhere_and_known_by_its_content(tmp_path, monkeypatch):
    (folder := tmp_path / "a=b").mkdir()
    save_two(folder / "two.safetensors")
    monkeypatch.chdir(tmp_path)
    pinned = pin_source("set:a=b/two.safetensors")
    assert pinned.startswith(f"set:{folder}/two.safetensors#")
    assert pin_source(pinned) == pinned
    mixed = pin_source("dr=0.25,set:a=b/two.safetensors=0.75")
    assert mixed == f"dr=0.25,{pinned}=0.75"
    monkeypatch.setenv("HOME", str(folder))
    assert pin_source("set:~/two.safetensors") == pinned
    digest = pinned[-12:]
    assert without_place(f"networks:{mixed}") == f"networks:dr=0.25,set:two.safetensors#{digest}=0.75"
    twice = f"{pinned}=0.5,{pinned}=0.5"
    assert without_place(twice) == "{0}=0.5,{0}=0.5".format(f"set:two.safetensors#{digest}")
    monkeypatch.chdir("/")
    assert set(np.asarray(draw(pinned)[1].lifetime).tolist()) != {0}
    save_two(folder / "two.safetensors", seed=1)
    with pytest.raises(ValueError, match="is not the level set it was"):
        draw(pinned)
    with pytest.raises(ValueError, match="does not exist"):
        pin_source("set:nowhere.safetensors")


def test_sources_without_files_are_their_own_pins():
    for name in ("dr", "handcrafted", "set:7", "dr=0.5,handcrafted=2"):
        assert pin_source(name) == name


def test_a_file_is_a_source_and_keeps_its_lifetimes(tmp_path):
    path = tmp_path / "two.safetensors"
    kept = save_two(path)
    _, levels = draw(f"set:{path}")
    assert set(np.asarray(levels.lifetime).tolist()) == {250}
    assert set(np.asarray(levels.start).tolist()) <= set(np.asarray(kept.start).tolist())
    _, larger = draw(f"set:{path}=1,handcrafted=1")
    assert sizes_of(larger, SIZES).side == 13


def test_a_level_file_may_lie_in_the_folder_of_a_run_of_a_mixture(tmp_path):
    (folder := tmp_path / "dr=0.5,handcrafted=0.3,mazes=0.2-laptop-0-20260101-000000").mkdir()
    kept = save_two(folder / "seed=3")
    name = f"set:{folder}/seed=3"
    _, levels = draw(name)
    assert set(np.asarray(levels.start).tolist()) <= set(np.asarray(kept.start).tolist())
    pinned = pin_source(name)
    assert pinned.startswith(f"{name}#")
    assert pin_source(pinned) == pinned
    _, again = draw(pinned)
    jax.tree.map(np.testing.assert_array_equal, again, levels)
    mixed = pin_source(f"mazes=0.25,{name}=0.75")
    assert mixed == f"mazes=0.25,{pinned}=0.75"
    assert isinstance(draw(mixed)[0].observation, Discrete)


def test_a_new_source_is_one_entry_that_mixes_and_goes_to_networks(monkeypatch):
    entry = SourceEntry(
        lambda argument, levels, sizes, key: GridSource(
            sizes,
            lambda sizes: (
                lambda key: dataclasses.replace(sample_level(key, levels, sizes), max_steps=jnp.int32(int(argument)))
            ),
        ),
        "random levels of one time limit",
        ("limit:STEPS",),
    )
    monkeypatch.setitem(SOURCES, "limit", entry)
    assert "limit:STEPS" in source_names()
    assert set(draw("limit:33")[1].max_steps.tolist()) == {33}
    assert isinstance(draw("networks:limit:33")[0].observation, MultiHot)
    assert set(draw("limit:33=1,limit:44=1")[1].max_steps.tolist()) == {33, 44}
    assert pin_source("limit:33=1,dr=1") == "limit:33=1,dr=1"


def test_a_new_environment_is_a_source(monkeypatch):
    entry = EnvEntry(lambda levels, _: make_chain("tabular", levels.min_lifetime, levels.max_lifetime), "a new one")
    monkeypatch.setitem(ENVIRONMENTS, "new", entry)
    env, levels = draw("new")
    assert (env.name, pin_source("new"), source_names()[-1]) == ("new", "new", "new")
    assert set(levels.lifetime.tolist()) == {7, 8, 9}
    check_source("dr=1,new=1")
    with pytest.raises(ValueError, match="Mix it without the prefix"):
        check_source("networks:new")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("dr", {"dr": 1.0}),
        ("broad", {"broad": 1.0}),
        ("broad=2", {"broad": 1.0}),
        ("networks:dr=1,mazes=3", {"networks:dr=1,mazes=3": 1.0}),
        ("dr=1,mazes=3", {"dr=1,mazes=3": 1.0}),
        ("broad=3,dr=1", {"broad": 0.75, "dr": 0.25}),
        ("dr=1,broad=4,mazes=3", {"dr=1,mazes=3": 0.5, "broad": 0.5}),
        ("set:7=1,networks=1", {"set:7": 0.5, "networks": 0.5}),
    ],
)
def test_a_mixture_is_split_by_kinds_of_agents(name, kinds):
    assert by_kind(name) == kinds
    for source in kinds:
        make_source(source, LEVELS, SIZES, KEY)


def test_one_family_has_agents_of_one_kind():
    with pytest.raises(ValueError, match='"broad=3,dr=1" needs agents of 2 kinds'):
        make_source("broad=3,dr=1", LEVELS, SIZES, KEY)
    assert make_source("broad=1", LEVELS, SIZES, KEY).name == "broad"


def test_every_source_is_described_and_no_environment_takes_its_name():
    assert all(entry.about for entry in SOURCES.values())
    assert not set(SOURCES) & set(ENVIRONMENTS)


def test_levels_on_a_larger_grid_play_the_same():
    small, big = make_source("dr", LEVELS, SIZES, KEY), make_source("dr", LEVELS, GridSizes(13, 7), KEY)
    level = jax.vmap(small.sample_level)(jax.random.split(KEY, 1))
    grown = resize(LevelSet(level, SIZES, np.zeros(1, np.float32), {}), GridSizes(13, 7))
    values = [env.optimal_return(jax.tree.map(lambda x: x[0], lv)) for env, lv in ((small, level), (big, grown))]
    np.testing.assert_allclose(*values, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mazs", 'did you mean "mazes"'),
        ("set:", "unknown"),
        ("set:0", "at least one level"),
        ("dr=0.5,handcrafted", "has no weight"),
        ("dr:3", 'unknown source "dr:3"'),
        ("set", 'unknown source "set"'),
        ("networks:", 'unknown source ""'),
        ("dr=-1,handcrafted=1", "must be positive"),
        ("networks:dr=1,chain=1", '"chain" cannot stand behind "networks:"'),
        ("dr=1,chains=1", 'did you mean "chain"'),
    ],
)
def test_names_of_no_source_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        check_source(name)


def test_every_gridworld_source_can_be_solved_and_edited():
    env, levels = draw("mazes", 1)
    level = jax.tree.map(lambda x: x[0], levels)
    assert jnp.isfinite(env.optimal_return(level))
    edited = env.mutate(KEY, level)
    check_level(jax.tree.map(np.asarray, edited), sizes_of(edited, SIZES))
