"""Diagnosing a rule: the files it leaves, and mistakes that cost one line before any agent is trained."""

import re

import pytest

from groove.envs.gridworld.level_file import load_levels
from groove.evaluation.failures.diagnose import diagnose, write_diagnosis
from groove.utils.errors import GrooveError
from tests._helpers.diagnoses import diagnosis

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")
FILES = {"heat_maps.png", "worst.png", "worst.safetensors"}


def test_more_levels_are_exported_than_drawn(tmp_path):
    write_diagnosis(diagnosis(), tmp_path / "new", 30)
    assert len(load_levels(tmp_path / "new" / "worst.safetensors")) == 30
    assert {path.name for path in (tmp_path / "new").iterdir()} == FILES


@pytest.mark.slow
def test_a_diagnosis_of_few_levels_is_returned_and_written(tmp_path):
    found = diagnose("random", levels=2, seeds=1, updates=2, to=tmp_path / "to", progress=False)
    assert (found.name, len(found.rule_returns), found.seeds) == ("random", 2, 1)
    assert len(load_levels(tmp_path / "to" / "worst.safetensors")) == 2, "all levels, if there are few"
    assert {path.name for path in (tmp_path / "to").iterdir()} == FILES


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rule": "a3c"}, '(did you mean "a2c"?)'),
        ({"levels": 0}, "--levels = 0 must be at least 1"),
        ({"levels": 10**9}, "--levels = 1000000000 must be at least 1, and at most 1,000,000"),
        ({"seeds": 10**9}, "--seeds = 1000000000 must be at least 1, and at most 10,000"),
        ({"updates": 3 * 10**9}, "--updates = 3000000000 must be at least 1, and at most 100,000,000"),
        ({"worst": -1}, "--worst = -1 must be at least 1"),
        ({"levels": 10, "worst": 11}, "--worst = 11 must not be above --levels = 10: there are no more levels"),
        ({"to": "occupied"}, "occupied cannot be written"),
        ({"devices": 99}, "99 devices were asked for"),
    ],
)
def test_a_mistake_costs_one_line_and_nothing_is_trained_or_written(changes, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    monkeypatch.setattr("groove.evaluation.failures.diagnose.measure", lambda *_: pytest.fail("trained agents"))
    with pytest.raises(GrooveError, match=re.escape(complaint)) as refused:
        diagnose(**({"rule": "random", "to": "to", "progress": False} | changes))
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]
