"""The settings of level replay: values out of range, and buffers that do not suit the slots."""

import dataclasses
import math

import pytest

from groove.curriculum.plr_config import PLRConfig, check_slots
from groove.utils.errors import GrooveError

N = 4
CONFIG = PLRConfig(buffer_size=16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replay_probability": 1.5}, r"plr.replay_probability = 1.5: .*\[0, 1\]"),
        ({"replay_probability": -0.1}, r"plr.replay_probability"),
        ({"replay_probability": math.nan}, r"plr.replay_probability"),
        ({"staleness_coefficient": 2.0}, r"plr.staleness_coefficient"),
        ({"edit_probability": 2.0}, r"plr.edit_probability"),
        ({"min_fill": -1.0}, r"plr.min_fill"),
        ({"temperature": 0.0}, r"plr.temperature = 0.0: .*plr.prioritization=topk"),
        ({"temperature": -1.0}, r"plr.temperature"),
        ({"temperature": math.inf}, r"plr.temperature"),
        ({"buffer_size": 0}, r"plr.buffer_size"),
        ({"prioritization": "greedy"}, r"plr.prioritization = 'greedy'.*rank, proportional, topk"),
    ],
)
def test_a_config_out_of_range_is_refused_at_construction(changes, message):
    with pytest.raises(GrooveError, match=message):
        dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize(("min_fill", "least"), [(0.0, 1), (0.25, 4), (0.26, 5), (1.0, 16)])
def test_the_least_number_of_scored_levels_is_a_share_of_the_buffer_and_never_zero(min_fill, least):
    assert dataclasses.replace(CONFIG, min_fill=min_fill).min_scored == least


def test_a_buffer_without_room_for_eviction_is_refused():
    with pytest.raises(GrooveError, match="at least 8, or at most 3 slots"):
        check_slots(dataclasses.replace(CONFIG, buffer_size=7), N)
    check_slots(dataclasses.replace(CONFIG, buffer_size=8), N)


def test_a_fill_that_the_slots_never_allow_is_refused():
    with pytest.raises(GrooveError, match=r"min_fill = 0.8 waits for 13.*at most 12 of 16.*at most 0.75"):
        check_slots(dataclasses.replace(CONFIG, min_fill=0.8), N)
    check_slots(dataclasses.replace(CONFIG, min_fill=0.75), N)
