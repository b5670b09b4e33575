"""The program anchors: a file with one line of output for each anchor, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.evaluation.progression.anchors import load_anchors
from tests._helpers.boards import three_tasks
from tests._helpers.programs import call, refusal


@pytest.fixture(autouse=True)
def _stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    three_tasks(tmp_path / "results")
    (tmp_path / "damaged.json").write_text("{")


def test_the_program_writes_the_file_and_says_where_each_anchor_comes_from(tmp_path, capsys):
    assert call("anchors", "--suite=bsuite/Catch,minatar", "--to=a.json") == 0
    assert capsys.readouterr().out == "bsuite/Catch: 1, exact: every ball can be caught, which pays 1\n"
    assert [anchor.task for anchor in load_anchors(tmp_path / "a.json")] == ["bsuite/Catch"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite=minatar", "--to=a.json"], "results holds no results of these tasks"),
        (["--suite=minatra", "--to=a.json"], 'did you mean "minatar"'),
        (["--suite=bsuite/Catch"], "--to is missing"),
        (["--suite=bsuite/Catch", "--to=results"], "results is a folder; give --to the name of a file"),
        (["--suite=bsuite/Catch", "--to=damaged.json"], "damaged.json cannot be read"),
        (["--to=a.json", "results"], 'unexpected argument "results"'),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    assert said in refusal(find_program("anchors"), arguments, tmp_path, monkeypatch, capsys)
