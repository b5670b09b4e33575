"""The SVG shows every wall and object of a level where they are, and says so in words."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import numpy as np

from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.envs.gridworld.svg import level_svg, level_words

SIZES = GridSizes(side=4, objects=2)
WALLS = np.ones((4, 4), bool)
WALLS[:3, :3] = False
WALLS[1, 2] = True
LEVEL = GridLevel(
    size=np.int32(3),
    walls=WALLS.ravel(),
    start=np.int32(4 * 2 + 1),
    object_cell=np.array([4 * 0 + 2, -1], np.int32),
    object_reward=np.array([1.0, 0.0], np.float32),
    p_terminate=np.array([0.25, 0.0], np.float32),
    p_respawn=np.array([0.1, 0.0], np.float32),
    step_reward=np.float32(0),
    max_steps=np.int32(20),
    lifetime=np.int32(5),
)


def test_the_picture_is_well_formed_and_cropped_to_the_grid():
    root = ET.fromstring(level_svg(LEVEL, SIZES))
    assert root.get("viewBox") == "0 0 3 3"
    assert root.get("aria-label") == level_words(LEVEL, SIZES)


def test_walls_and_objects_lie_in_their_cells():
    svg = level_svg(LEVEL, SIZES)
    assert "M2 1h1v1h-1z" in svg
    assert re.findall(r'data-object="(\d)"', svg) == ["0"]
    assert 'cx="2.5" cy="0.5"' in svg
    assert 'stroke-dasharray="0.250 2"' in svg


def test_a_level_is_put_in_words():
    assert level_words(LEVEL, SIZES) == (
        "Gridworld of 3 by 3 cells with 1 walls and 1 objects of reward 1.00; episodes of at most 20 steps."
    )
    bare = dataclasses.replace(LEVEL, object_cell=np.array([-1, -1], np.int32))
    assert "0 objects of reward none" in level_words(bare, SIZES)
