"""Frames differ from the picture of the level only where the agent is, and where something was collected."""

import numpy as np

from groove.envs.gridworld.frames import FramePainter
from groove.envs.gridworld.observations import GridState
from groove.envs.gridworld.render import render
from tests.envs.gridworld.test_svg import LEVEL, SIZES

SCALE = 16


def _changed(row, col, present):
    """Return the cells of a frame that differ from the picture of the level."""
    state = GridState(np.int32(row), np.int32(col), np.int32(present), np.int32(0), None)
    frame = FramePainter(LEVEL, SIZES, SCALE).paint(state)
    differs = (frame != render(LEVEL, SIZES, SCALE)).any(-1)
    cells = differs.reshape(3, SCALE, 3, SCALE).any((1, 3))
    return set(zip(*map(list, np.nonzero(cells))))


def test_the_agent_is_in_its_cell():
    assert _changed(0, 0, present=1) == {(0, 0)}


def test_a_collected_object_is_gone():
    assert _changed(0, 0, present=0) == {(0, 0), (0, 2)}
