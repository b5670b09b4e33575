"""The program release: the files of a released rule, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.evaluation.results import Results
from tests._helpers.cells import line
from tests._helpers.finished_runs import finished_run
from tests._helpers.programs import call, refusal

USUAL = ("--to=weights", "--results=results", "--suites=chain", "--rules=mine,random")


@pytest.fixture(autouse=True)
def _run_and_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "run", 1, 0.5, 1.0)
    for rule in ("random", "mine"):
        Results("results").append("chain", line(rule, rule=rule, task="chain/tabular", budget="laptop"))
    (tmp_path / "notes.md").write_text("## Limits")


def test_the_program_writes_the_rule_and_its_card(tmp_path, capsys):
    assert call("release", *USUAL, "--name=mine", "--runs=run", "--notes=notes.md") == 0
    assert capsys.readouterr().out == "weights/mine.safetensors and its card, weights/mine.md\n"
    names = {path.name for path in (tmp_path / "weights").iterdir()}
    assert names == {"mine.safetensors", "mine.json", "mine.md"}
    assert (tmp_path / "weights" / "mine.md").read_text().endswith("## Limits\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nam=x"], 'unknown flag --nam (did you mean "name"?)'),
        (["--name=mine", "--earlier=perhaps"], "earlier"),
        (["--runs=run"], "--name is missing"),
        (["--name=mine"], "no runs were given"),
        (["--name=a2c", "--runs=run"], "is the name of a rule that is not released"),
        (["--name=" + "x" * 300, "--runs=run"], "names have at most 255 bytes"),
        (["--name=../mine", "--runs=run"], "must be a plain name"),
        (["--name=mine", "--runs=run,nowhere"], "nowhere does not hold a finished run"),
        (["--name=mine", "--runs=run", "--suites=chian"], 'did you mean "chain"'),
        (["--name=mine", "--runs=run", "--rules=other"], "holds no results of other on chain"),
        (["--name=mine", "--runs=run,run"], "--runs lists run twice: list it once"),
        (["--name=mine", "--runs=run", "--rules=mine,mine"], "--rules lists mine twice: list it once"),
        (["--name=mine", "--runs=run", "--suites=chain,chain"], "--suites lists chain twice: list it once"),
        (["--name=mine", "--runs=run", "--rules=mine,,random"], "a name between commas is empty"),
        (["--name=mine", "--runs=run", "--by=chain"], "is held out"),
        (["--name=mine", "--runs=run", "--notes=no.md"], "give --notes a Markdown file"),
        (["--name=mine", "--runs=run", "--to=notes.md"], "choose another --to"),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    words = [*USUAL, *arguments]
    assert said in refusal(find_program("release"), words, tmp_path, monkeypatch, capsys)


def test_the_folder_is_no_default(tmp_path, monkeypatch, capsys):
    words = ["--name=mine", "--runs=run", "--results=results"]
    assert "--to is missing" in refusal(find_program("release"), words, tmp_path, monkeypatch, capsys)
