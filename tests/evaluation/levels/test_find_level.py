"""A level is found by the name of a gridworld, or by its place in a file."""

import pytest

from groove.envs.gridworld.level_file import save_levels
from groove.evaluation.levels.find_level import find_level
from groove.utils.errors import ConfigError
from tests._helpers.level_sets import four_levels


@pytest.fixture(autouse=True)
def _file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_levels("all.safetensors", four_levels())


@pytest.mark.parametrize(("name", "row"), [("all.safetensors", 2), ("all.safetensors:1", 3), ("all.safetensors:3", 1)])
def test_levels_of_a_file_are_counted_from_the_highest_score(name, row):
    assert (find_level(name).level.walls == four_levels().levels.walls[row]).all()


def test_a_named_level_is_the_same_each_time():
    assert find_level("dense").level.start == find_level("dense").level.start
    assert find_level("dense").level.size == 11


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dens", 'did you mean "dense"'),
        ("all.safetensors:4", "holds 4 levels, from :0 to :3"),
        ("none.safetensors:0", "is no level"),
    ],
)
def test_what_is_not_there_is_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        find_level(name)
