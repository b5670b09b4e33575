"""The sources of tabular gridworlds alone: their sizes, their lifetimes, and what they refuse."""

import jax
import numpy as np
import pytest

from groove.curriculum.sources.grids import (
    check_set,
    handcrafted,
    larger_sizes,
    level_set,
    mazes,
    pin_set,
    random_levels,
)
from groove.envs.gridworld.level_file import LevelSet, save_levels
from groove.envs.gridworld.levels import GridSizes, LevelDistribution, check_level, sample_level
from groove.utils.errors import GrooveError

LEVELS = LevelDistribution(min_lifetime=7, max_lifetime=9)
KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("make", "argument", "needed"),
    [
        (random_levels, "", GridSizes(10, 5)),
        (handcrafted, "", GridSizes(13, 7)),
        (mazes, "", GridSizes(10, 5)),
        (level_set, "3", GridSizes(10, 5)),
    ],
)
def test_sources_say_what_sizes_they_need_and_draw_levels_of_larger_ones(make, argument, needed):
    source = make(argument, LEVELS, GridSizes(), KEY)
    assert source.sizes == needed
    larger = GridSizes(15, 8)
    levels = jax.vmap(source.sampler(larger))(jax.random.split(KEY, 20))
    assert levels.walls.shape == (20, 15 * 15)
    assert levels.object_cell.shape == (20, 8)
    assert {9} <= set(levels.lifetime.tolist()) <= {7, 8, 9}
    for i in range(3):
        check_level(jax.tree.map(lambda x, i=i: np.asarray(x[i]), levels), larger)


def test_levels_of_a_file_keep_their_lifetimes_and_actions(tmp_path):
    kept = jax.vmap(lambda key: sample_level(key, LevelDistribution(), GridSizes()))(jax.random.split(KEY, 2))
    path = str(tmp_path / "two")
    save_levels(path, LevelSet(jax.tree.map(np.asarray, kept), GridSizes(), np.full(2, np.nan), {}))
    source = level_set(path, LEVELS, GridSizes(side=4, objects=9), KEY)
    assert source.sizes == GridSizes(10, 9)
    levels = jax.vmap(source.sampler(source.sizes))(jax.random.split(KEY, 20))
    assert set(levels.lifetime.tolist()) == {250}
    with pytest.raises(GrooveError, match=r"sizes.diagonal = False: set sizes.diagonal to this value"):
        level_set(path, LEVELS, GridSizes(diagonal=True), KEY)


def test_sizes_are_enlarged_and_actions_stay():
    assert larger_sizes(GridSizes(4, 9, diagonal=True), GridSizes(5, 3)) == GridSizes(5, 9, diagonal=True)


def test_a_set_has_at_least_one_level_and_a_number_is_its_own_pin():
    check_set("1")
    check_set("a.safetensors")
    with pytest.raises(GrooveError, match="at least one level"):
        check_set("0")
    assert pin_set("12") == "12"
