"""Pictures of levels: their sizes, their colours, and the files written."""

import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.image
import numpy as np
import pytest

from groove.envs.gridworld.levels import GridSizes, LevelDistribution, sample_level
from groove.envs.gridworld.named import make_level, named_sizes
from groove.envs.gridworld.render import draw_levels, render, reward_colour
from tests._helpers.reference import draw, level_of, nth

SIZES = GridSizes(side=6, objects=3)
LEVEL = level_of("S#. .a. b.c", {"a": (1.0, 1.0, 0.0), "b": (-1.0, 0.0, 0.0), "c": (0.2, 0.5, 0.0)}, 10, SIZES)


def tile(image, row, col, scale):
    return image[row * scale : (row + 1) * scale, col * scale : (col + 1) * scale].astype(int)


@pytest.mark.parametrize("scale", [8, 16, 31])
def test_picture_is_cropped_to_the_level_and_bytes(scale):
    image = render(LEVEL, SIZES, scale)
    assert (image.shape, image.dtype) == ((3 * scale, 3 * scale, 3), np.uint8)


def test_walls_are_dark_and_floor_is_light():
    image = render(LEVEL, SIZES, 20)
    assert tile(image, 0, 1, 20).max() < 100
    assert tile(image, 1, 0, 20).min() > 200


def test_each_cell_shows_what_it_holds():
    image = render(LEVEL, SIZES, 20)
    floor = tile(image, 1, 0, 20)
    changed = {(r, c) for r in range(3) for c in range(3) if (tile(image, r, c, 20) != floor).any()}
    assert changed == {(0, 0), (0, 1), (1, 1), (2, 0), (2, 2)}
    for (row, col), reward in {(1, 1): 1.0, (2, 0): -1.0, (2, 2): 0.2}.items():
        np.testing.assert_allclose(tile(image, row, col, 20)[10, 10], reward_colour(reward), atol=1)


def test_dark_ring_grows_with_the_probability_of_termination():
    dark = []
    for p in (0.0, 0.25, 0.5, 1.0):
        level = dataclasses.replace(LEVEL, p_terminate=jnp.array([p, 0, 0]))
        dark.append(int((tile(render(level, SIZES, 40), 1, 1, 40).sum(-1) < 150).sum()))
    growth = np.diff(dark)
    np.testing.assert_allclose(growth / growth.sum(), [0.25, 0.25, 0.5], atol=0.03)


def test_moving_the_start_changes_only_the_two_cells():
    image, moved = render(LEVEL, SIZES, 16), render(dataclasses.replace(LEVEL, start=jnp.int32(6)), SIZES, 16)
    differ = {(r, c) for r in range(3) for c in range(3) if (tile(image, r, c, 16) != tile(moved, r, c, 16)).any()}
    assert differ == {(0, 0), (1, 0)}


def test_colours_run_from_red_to_blue_through_white_and_clip():
    red, white, blue = reward_colour(np.array([-1.0, 0.0, 1.0]))
    assert red[0] > 2 * red[2]
    assert blue[2] > 2 * blue[0]
    assert white.min() == 255
    np.testing.assert_array_equal(reward_colour(np.array([-7.0, 7.0])), [red, blue])
    rewards = np.linspace(-1, 1, 41)
    redness = reward_colour(rewards)[:, 0] - reward_colour(rewards)[:, 2]
    assert (np.diff(redness[10:31]) < 0).all()  # between the saturated ends, never the same twice


def test_levels_of_many_sizes_make_one_figure(tmp_path):
    dist, sizes = LevelDistribution(), GridSizes()
    batch = draw(lambda key: sample_level(key, dist, sizes), 0, 3)
    levels = [nth(batch, n) for n in range(3)]
    path = tmp_path / "levels.png"
    draw_levels(levels, ["one", "two", "three"], sizes, path)
    three = matplotlib.image.imread(path)
    assert three.shape[1] > 1.5 * three.shape[0] > 450
    draw_levels([make_level("sparse", jax.random.key(0), named_sizes())], ["sparse"], named_sizes(), path)
    one = matplotlib.image.imread(path)
    assert one.shape[1] < three.shape[1]
    assert np.ptp(one[..., 0]) > 0.5


def test_drawing_leaves_no_global_figure_behind(tmp_path):
    import matplotlib.pyplot as plt

    draw_levels([LEVEL], ["a level"], SIZES, tmp_path / "level.png")
    assert plt.get_fignums() == []


def test_titles_must_match_levels(tmp_path):
    for levels, titles in [([LEVEL], []), ([], [])]:
        with pytest.raises(ValueError, match="as many of each"):
            draw_levels(levels, titles, SIZES, tmp_path / "x.png")
