"""The names of actions, directions and movements, on which the dynamics count."""

import numpy as np

from groove.envs.worlds.levels import PERIODS, Action, Direction, offsets


def test_a_move_is_one_more_than_its_direction():
    assert [Action[direction.name] - direction for direction in Direction] == [1] * 4


def test_opposite_directions_differ_in_the_lowest_bit_and_step_back():
    rows, cols = (np.asarray(x) for x in offsets(np.arange(-1, 5)))
    assert rows.tolist() == [0, 0, 0, -1, 1, 0]
    assert cols.tolist() == [0, -1, 1, 0, 0, 0]
    back = np.arange(4) ^ 1
    np.testing.assert_array_equal(rows[1:5] + rows[1:5][back], 0)
    np.testing.assert_array_equal(cols[1:5] + cols[1:5][back], 0)


def test_periods_are_powers_of_two():
    assert all(period & (period - 1) == 0 for period in PERIODS)
