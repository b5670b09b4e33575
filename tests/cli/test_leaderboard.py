"""The program leaderboard: a page, the check of a submission, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.evaluation.leaderboard import check
from groove.evaluation.leaderboard.check import Verdict
from groove.evaluation.progression.anchors import save_anchors
from tests._helpers.boards import anchors, store, three_tasks
from tests._helpers.programs import call, refusal


@pytest.fixture(autouse=True)
def _stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    three_tasks(tmp_path / "results")
    store(tmp_path / "alone", "mine", "bsuite/Catch", [1.0, 2.0])
    save_anchors(tmp_path / "anchors.json", anchors())
    (tmp_path / "occupied").write_text("")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "bsuite.jsonl").write_text('{"format": 1, "cell": ')
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "bsuite.jsonl").write_text('{"format": 7}\n')


def test_the_program_builds_the_page_and_says_what_is_left_out(tmp_path, capsys):
    store(tmp_path / "results", "mine", "minatar/Breakout", [1.0, 2.0])
    assert call("leaderboard", "--anchors=anchors.json", "--to=site") == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("minatar/Breakout is left out: ")
    assert last == "3 rules on 3 tasks: site/index.html"
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.parametrize(
    ("to_the_bit", "said"),
    [(True, "every stored digit is the same."), (False, "a mean return of -0.125, at most 0.5 expected.")],
)
def test_the_check_says_what_was_trained_again(to_the_bit, said, monkeypatch, capsys):
    verdict = Verdict(("mine",), 2, "mine on chain/tabular", 3, to_the_bit, -0.125, 0.5)
    monkeypatch.setattr(check, "check_submission", lambda folder, seed: verdict)
    assert call("leaderboard", "--check=submission", "--seed=3") == 0
    output = capsys.readouterr().out
    assert output.startswith(
        "submission is in order: mine, 2 lines of results; 3 agents of mine on chain/tabular trained"
    )
    assert output.endswith(f"{said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--to is missing: give the folder of the page, or a submission to --check"),
        (["--to=site", "--seed=3"], "--seed is read by --check only"),
        (["--check=alone", "--to=site"], "--to is not read by --check"),
        (["--check=alone", "--rules=mine"], "--rules is not read by --check"),
        (["--check=alone"], "alone holds no rule file"),
        (["--check=nowhere"], "nowhere is no folder"),
        (["--check=torn"], "torn holds no rule file"),
        (["--to=occupied"], "choose another --to"),
        (["--to=site", "--results=nowhere"], "nowhere holds no results at budget laptop"),
        (["--to=site", "--results=results,torn"], "torn holds no results at budget laptop"),
        (["--to=site", "--results=foreign"], "is not of results format 1"),
        (["--to=site", "--results=alone"], "there are no results of random, which scores 0"),
        (["--to=site", "--rules=mien"], 'did you mean "mine"'),
        (["--to=site", "--suite=clasic"], 'did you mean "classic"'),
        (["--to=site", "--budget=paper"], "holds no results at budget paper"),
        (["--to=site", "--anchors=nowhere.json"], "nowhere.json does not exist"),
        (["--to=site", "results"], 'unexpected argument "results"'),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    assert said in refusal(find_program("leaderboard"), arguments, tmp_path, monkeypatch, capsys)
