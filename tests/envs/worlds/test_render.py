"""Pictures of arcade worlds: their sizes, what each cell shows, and the files written."""

import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.image
import numpy as np
import pytest

from groove.envs.gridworld.render import reward_colour
from groove.envs.worlds.dynamics import reset
from groove.envs.worlds.family import make_worlds
from groove.envs.worlds.levels import Direction, Movement
from groove.envs.worlds.observations import Piece
from groove.envs.worlds.render import draw_worlds, play_randomly, render, render_strip
from tests._helpers.arcade import world_of
from tests._helpers.reference import draw, nth

SCALE = 20


def picture(level, **changes):
    state, _ = reset(level, jnp.uint32(0))
    image = render(level, dataclasses.replace(state, **changes), SCALE)
    assert (image.shape, image.dtype) == ((int(level.height) * SCALE, int(level.width) * SCALE, 3), np.uint8)
    return image.astype(int)


def tile(image, row, col):
    return image[row * SCALE : (row + 1) * SCALE, col * SCALE : (col + 1) * SCALE]


def changed(image, other):
    """The cells in which two pictures differ."""
    rows, cols = (size // SCALE for size in image.shape[:2])
    return {(r, c) for r in range(rows) for c in range(cols) if (tile(image, r, c) != tile(other, r, c)).any()}


@pytest.mark.parametrize("movement", Movement)
def test_an_object_is_seen_on_its_cell_in_the_colour_of_its_reward(movement):
    empty = picture(world_of(height=4, width=7, start_row=3))
    rules = {"movement": movement, "area": (1, 1, 4, 4), "touch_reward": -0.75, "direction": Direction.UP}
    image = picture(world_of(rules, height=4, width=7, start_row=3))
    assert changed(image, empty) == {(1, 4)}
    colour = np.abs(tile(image, 1, 4) - reward_colour(-0.75)).max(-1)
    assert (colour < 2).mean() > 0.1
    other = picture(world_of(rules | {"direction": Direction.LEFT}, height=4, width=7, start_row=3))
    has_way = movement in (Movement.FALL, Movement.CROSS, Movement.BOUNCE)
    assert changed(image, other) == ({(1, 4)} if has_way else set())


def test_movements_have_different_shapes():
    tiles = [tile(picture(world_of({"movement": m, "area": (1, 1, 1, 1)})), 1, 1) for m in Movement]
    assert len(np.unique(np.stack(tiles), axis=0)) == len(Movement)


def test_what_can_kill_and_what_pays_when_shot_is_marked():
    plain = {"area": (1, 1, 1, 1)}
    marks = [{"costs_life": True}, {"shootable": True, "shot_reward": 0.5}]
    images = [picture(world_of(plain | mark, shoots=True)) for mark in ({}, *marks)]
    assert [changed(images[0], image) for image in images[1:]] == [{(1, 1)}] * 2
    assert not changed(images[0], picture(world_of(plain | marks[1])))  # nothing can be shot where nobody shoots


def test_player_shots_and_goal_are_seen():
    level = world_of(goal=Direction.LEFT)
    assert changed(picture(level), picture(world_of())) == {(row, 0) for row in range(6)}
    assert changed(picture(level), picture(level, row=jnp.int32(2))) == {(5, 2), (2, 2)}
    shot = Piece(jnp.int32(1), jnp.int32(4), jnp.int32(0), None).code()
    own = picture(level, shots=jnp.stack([shot, jnp.int32(-1)]))
    other = picture(level, fire=jnp.full(4, -1, jnp.int32).at[2].set(shot))
    assert changed(picture(level), own) == changed(picture(level), other) == changed(own, other) == {(1, 4)}


def test_the_cells_that_the_player_can_reach_are_marked():
    assert changed(picture(world_of()), picture(world_of(vertical=False))) == {
        (r, c) for r in range(5) for c in range(6)
    }


def test_a_strip_shows_every_state():
    level = world_of({"movement": Movement.FALL, "direction": Direction.DOWN, "area": (0, 0, 1, 1)}, max_steps=3)
    states = play_randomly(level, jax.random.key(0), 5)
    assert states.time.tolist() == [0, 1, 2, 2, 2, 2]  # the last state before the end stays
    strip = render_strip(level, states, SCALE)
    assert strip.shape == (6 * SCALE, 6 * 6 * SCALE + 5 * SCALE // 2, 3)
    first, third = (nth(states, n) for n in (0, 2))
    step = 6 * SCALE + SCALE // 2
    np.testing.assert_array_equal(strip[:, : 6 * SCALE], render(level, first, SCALE))
    np.testing.assert_array_equal(strip[:, 2 * step : 2 * step + 6 * SCALE], render(level, third, SCALE))


def test_worlds_of_many_sizes_make_one_figure(tmp_path):
    family = make_worlds()
    batch = draw(family.sample_level, 0, 2000)
    levels = [nth(batch, n) for n in range(3)]
    family.draw(levels, ["one", "two", "three"], tmp_path / "worlds.png")
    image = matplotlib.image.imread(tmp_path / "worlds.png")
    assert image.shape[1] > 1.5 * image.shape[0] > 450
    assert np.ptp(image[..., 0]) > 0.5
    for some, titles in [(levels, ["one"]), ([], [])]:
        with pytest.raises(ValueError, match="as many of each"):
            draw_worlds(some, titles, tmp_path / "x.png")
