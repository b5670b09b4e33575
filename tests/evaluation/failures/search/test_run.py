"""Searching for failures: the files, the second measurement of elites, stopping and going on, and mistakes."""

import json
import re
from typing import ClassVar

import jax
import numpy as np
import pytest

from groove.envs.gridworld.level_file import load_levels
from groove.evaluation.failures.diagnose import diagnose
from groove.evaluation.failures.search.run import search_failures
from groove.training.run_lock import lock_run
from groove.utils.errors import GrooveError

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")
FILES = {
    "search.safetensors",
    "archive.safetensors",
    "worst.safetensors",
    "search.json",
    "archive.png",
    "progress.png",
    "worst.png",
}
CALL = {
    "rule": "random",
    "levels": 24,
    "batch": 8,
    "seeds": 1,
    "rescore": 3,
    "updates": 2,
    "worst": 2,
    "progress": False,
}


class FakeTrial:
    """A trial without agents: the rule returns 0, A2C a random number of mean 1 that depends on the key."""

    calls: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, *_):
        """Take the arguments of a trial."""

    def returns(self, levels, key, seeds, reports):
        """Return f64[2, n]."""
        count = len(levels.size)
        FakeTrial.calls.append((count, seeds))
        for report in reports:
            report(count * seeds)
        return np.stack([np.zeros(count), 1.0 + np.asarray(jax.random.normal(key, (count,)), np.float64)])


@pytest.fixture
def without_agents(monkeypatch):
    FakeTrial.calls = []
    monkeypatch.setattr("groove.evaluation.failures.search.run.Trial", FakeTrial)
    monkeypatch.setattr(  # pictures of levels take seconds
        "groove.evaluation.failures.search.run.draw_levels",
        lambda levels, titles, sizes, path: path.write_text("\n".join(titles)),
    )


def _visible(folder):
    """Return the files of a folder but those of its lock: name -> content."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.slow  # tests/cli/test_diagnose.py has a smaller one
def test_a_search_trains_agents_and_writes_its_levels_numbers_and_pictures(tmp_path):
    found = search_failures(**CALL, to=tmp_path / "to")
    assert set(_visible(tmp_path / "to")) == FILES
    assert found.names == ["random", "a2c"]
    assert found.evaluated.tolist() == [8, 16, 24]
    assert (np.diff(found.regret) <= 0).all()
    archive, worst = (load_levels(tmp_path / "to" / f"{name}.safetensors") for name in ("archive", "worst"))
    assert (len(archive), len(worst)) == (len(found.regret), 2)
    np.testing.assert_allclose(archive.scores, found.regret, rtol=1e-6)
    numbers = json.loads((tmp_path / "to" / "search.json").read_text())
    assert [row["regret"] for row in numbers["elites"]] == pytest.approx(found.regret.tolist())
    assert numbers["curve"]["coverage"][-1] == len(found.regret)


def test_elites_are_measured_again_by_new_agents(tmp_path, without_agents):
    found = search_failures(**{**CALL, "levels": 2048, "batch": 512}, to=tmp_path)
    assert FakeTrial.calls[-1] == (len(found.regret), 3)
    assert found.found.mean() > 1.5  # the largest of many draws in each cell
    assert abs(found.regret.mean() - 1.0) < 0.5  # the mean of new draws


def test_a_stopped_search_goes_on_and_ends_as_if_it_had_not_been_stopped(tmp_path, without_agents, monkeypatch):
    whole = search_failures(**CALL, to=tmp_path / "whole")
    trained = FakeTrial.returns

    def interrupted(self, levels, key, seeds, reports):
        if len(FakeTrial.calls) == 2:
            raise KeyboardInterrupt
        return trained(self, levels, key, seeds, reports)

    FakeTrial.calls = []
    with monkeypatch.context() as patch:
        patch.setattr(FakeTrial, "returns", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search_failures(**CALL, to=tmp_path / "part")
    assert set(_visible(tmp_path / "part")) == {"search.safetensors"}
    FakeTrial.calls = []
    again = search_failures(**CALL, to=tmp_path / "part")
    assert [count for count, _ in FakeTrial.calls] == [8, len(again.regret)]
    for name in FILES:
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    np.testing.assert_array_equal(whole.returns, again.returns)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "holds a search with seed = 0, not 1"),
        ({"rule": "ppo"}, "holds a search with rules"),
        ({"axes": ("size", "max_steps")}, "holds a search with axes"),
    ],
)
def test_another_search_in_the_folder_is_neither_mixed_with_nor_overwritten(changes, said, tmp_path, without_agents):
    search_failures(**CALL, to=tmp_path)
    before = _visible(tmp_path)
    with pytest.raises(GrooveError, match=re.escape(said)):
        search_failures(**{**CALL, **changes}, to=tmp_path)
    assert before == _visible(tmp_path)


def test_two_searches_do_not_write_to_one_folder_at_once(tmp_path, without_agents):
    with lock_run(tmp_path), pytest.raises(GrooveError, match="is in use by process"):
        search_failures(**CALL, to=tmp_path)
    assert FakeTrial.calls == []
    search_failures(**CALL, to=tmp_path)


def test_a_search_whose_bytes_were_flipped_is_refused(tmp_path, without_agents):
    search_failures(**CALL, to=tmp_path)
    path = tmp_path / "search.safetensors"
    whole = path.read_bytes()
    for place in (-5, -3000, len(whole) // 2):
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        path.write_bytes(damaged)
        with pytest.raises(GrooveError, match="does not match its checksum"):
            search_failures(**CALL, to=tmp_path)


def test_returns_that_are_not_finite_are_refused_and_name_the_rule(tmp_path, without_agents, monkeypatch):
    monkeypatch.setattr(FakeTrial, "returns", lambda self, levels, *_: np.full((2, len(levels.size)), np.nan))
    with pytest.raises(GrooveError, match="agents under random have returns that are not finite"):
        search_failures(**CALL, to=tmp_path)


def test_a_diagnosis_and_a_search_do_not_share_a_folder(tmp_path, without_agents):
    search_failures(**{**CALL, "batch": np.int64(8)}, to=tmp_path / "search")
    with pytest.raises(GrooveError, match="holds the results of a search"):
        diagnose("random", levels=2, seeds=1, updates=2, to=tmp_path / "search", progress=False)
    (tmp_path / "diagnosis").mkdir()
    (tmp_path / "diagnosis" / "heat_maps.png").write_bytes(b"")
    with pytest.raises(GrooveError, match="holds the results of a diagnosis"):
        search_failures(**CALL, to=tmp_path / "diagnosis")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"{}"])
def test_a_damaged_search_is_refused(content, tmp_path, without_agents):
    (tmp_path / "search.safetensors").write_bytes(content)
    with pytest.raises(GrooveError, match="cannot be read as a search") as refused:
        search_failures(**CALL, to=tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rule": "a3c"}, '(did you mean "a2c"?)'),
        ({"references": ()}, "--references is empty"),
        ({"references": ("a3c",)}, '(did you mean "a2c"?)'),
        ({"references": ("a2c", "random")}, "random is the rule itself"),
        ({"method": "archiv"}, '(did you mean "archive"?)'),
        ({"axes": ("sise", "max_steps")}, '(did you mean "size"?)'),
        ({"axes": ("lifetime", "max_steps")}, "lifetime is the same on all random levels"),
        ({"axes": "size,max_steps"}, "--axes = size,max_steps must be two different features"),
        ({"axes": None}, "--axes must be a name, or a list of names, not None"),
        ({"references": None}, "--references must be a name, or a list of names, not None"),
        ({"references": [1]}, "--references lists 1, which is no name"),
        ({"references": ("first=a2c", "second=a2c")}, "--references: first and second are the same rule"),
        ({"rule": "a2c=ppo", "references": ("a2c",)}, "--references: a2c is also the name of the rule"),
        ({"rule": None}, "--rule must be one name or path, not None"),
        ({"rule": ["groove", "lpg"]}, "--rule must be one name or path, not ['groove', 'lpg']"),
        ({"method": None}, "--search = None is no text; choose one of archive, best, random"),
        ({"to": None}, "--to must be a path"),
        ({"devices": 1.5}, "--devices = 1.5 must be an integer"),
        ({"progress": "x"}, "progress = 'x' must be True or False"),
        ({"ranges": 1}, "--ranges = 1 must be at least 2"),
        ({"rescore": 0}, "--rescore = 0 must be at least 1"),
        ({"levels": 10**9}, "--levels = 1000000000 must be at least 1, and at most 1,000,000"),
        ({"seed": -1}, "--seed = -1 must be at least 0"),
        ({"to": "occupied"}, "occupied cannot be written"),
    ],
)
def test_a_mistake_costs_one_line_and_nothing_is_trained_or_written(
    changes, said, tmp_path, without_agents, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    with pytest.raises(GrooveError, match=re.escape(said)) as refused:
        search_failures(**{**CALL, "to": "to", **changes})
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]
    assert FakeTrial.calls == []
