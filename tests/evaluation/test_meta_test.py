"""Meta-tests from rules and suites to a report: nothing is run twice, and a mistake costs one line."""

import json
import pathlib
import re

import pytest

from groove.evaluation.meta_test import meta_test
from groove.evaluation.tester import MetaTester
from groove.utils.errors import GrooveError

ARGUMENTS = {"rules": ["a2c", "random"], "suites": ["chain/tabular"], "budget": "smoke", "seeds": 2, "progress": False}


pytestmark = pytest.mark.usefixtures("devices_of_the_tests")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"suites": ["minatr"]}, 'unknown suite "minatr" (did you mean "minatar"?)'),
        ({"suites": ["minatar/Breakot"]}, '(did you mean "Breakout"?)'),
        ({"suites": []}, "no suite was given"),
        ({"rules": []}, "no rules were given"),
        ({"rules": ["a3c"]}, '(did you mean "a2c"?)'),
        ({"budget": "labtop"}, '(did you mean "laptop"?)'),
        ({"seeds": 0}, "--seeds = 0 must be at least 1"),
        ({"seeds": 10**9}, "--seeds = 1000000000 must be at least 1, and at most 10,000"),
        ({"seeds": 1.5}, "--seeds = 1.5 must be an integer"),
        ({"devices": -1}, "--devices = -1 must be at least 0, and at most 1,024"),
        ({"devices": 10**9}, "--devices = 1000000000 must be at least 0, and at most 1,024"),
        ({"devices": 99}, "99 devices were asked for"),
        ({"to": "occupied/folder"}, "choose another --to"),
        ({"results": "occupied"}, "choose another --results"),
    ],
)
def test_a_mistake_costs_one_line_and_nothing_is_trained_or_written(changes, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    monkeypatch.setattr(MetaTester, "run", lambda *_: pytest.fail("trained agents"))
    with pytest.raises(GrooveError, match=re.escape(complaint)) as refused:
        meta_test(**(ARGUMENTS | {"results": "results"} | changes))
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]


def test_a_missing_extra_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GrooveError, match=r'pip install "groove-rl\[arcade\]"'):
        meta_test(["a2c"], ["arcade"], results=tmp_path)


def test_a_meta_test_leaves_a_table_and_pictures_and_runs_nothing_twice(tmp_path, monkeypatch, capsys):
    report = meta_test(**ARGUMENTS, results=str(tmp_path))
    assert report.folder == tmp_path / "chain_tabular-smoke"
    for name in ("table.md", "comparison.json", "curves.png"):
        assert (report.folder / name).stat().st_size > 100
    assert json.loads((report.folder / "comparison.json").read_text())["rules"] == ["a2c", "random"]
    before = (tmp_path / "chain.jsonl").read_bytes()
    assert before.count(b"\n") == 2
    monkeypatch.setattr(MetaTester, "run", lambda *_: pytest.fail("ran what is stored"))
    assert meta_test(**ARGUMENTS, results=pathlib.Path(tmp_path)).table == report.table
    assert (tmp_path / "chain.jsonl").read_bytes() == before
    assert "chain/tabular" in report.table
    assert capsys.readouterr().out == ""


def test_stored_results_go_by_the_label_asked_for_now(tmp_path, monkeypatch):
    meta_test(**ARGUMENTS, results=tmp_path, to=tmp_path / "first")
    monkeypatch.setenv("HOME", str(tmp_path))
    report = meta_test(**(ARGUMENTS | {"rules": ["mine=a2c", "random"]}), results="~", to="~/second")
    assert report.comparison.rules == ("mine", "random")
    assert report.folder == tmp_path / "second"
