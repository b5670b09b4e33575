"""The program compare: stored results as a table, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.evaluation.results import Results
from tests._helpers.cells import line
from tests._helpers.programs import call, refusal


@pytest.fixture(autouse=True)
def _stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for rule in ("random", "a2c"):
        Results("results").append("chain", line(rule, rule=rule, task="chain/tabular", budget="laptop"))
    (tmp_path / "occupied").write_text("")


def test_the_program_prints_the_table_and_says_where_the_pictures_are(tmp_path, capsys):
    assert call("compare", "--rules=a2c,random", "--suite=chain", "--to=to") == 0
    output = capsys.readouterr().out
    assert "| task | steps an agent | a2c | random |" in output
    assert output.endswith("table and pictures in to\n")
    assert (tmp_path / "to" / "curves.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rulse=a2c"], 'unknown flag --rulse (did you mean "rules"?)'),
        (["--to=to", "results"], 'unexpected argument "results"'),
        (["--budget=labtop", "--to=to"], 'did you mean "laptop"'),
        (["--budget=paper", "--to=to"], "holds no results at budget paper"),
        (["--rules=a3c", "--to=to"], 'did you mean "a2c"'),
        (["--suite=chian", "--to=to"], 'did you mean "chain"'),
        (["--results=nowhere", "--to=to"], "nowhere holds no results"),
        (["--rules=a2c"], "--to is missing"),
        (["--to=occupied"], "choose another --to"),
        (["--to=occupied/to"], "choose another --to"),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    assert said in refusal(find_program("compare"), arguments, tmp_path, monkeypatch, capsys)
