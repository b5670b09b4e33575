"""The program meta-test: a table from nothing, the list of suites, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.evaluation.suites.registry import SUITES
from groove.evaluation.tester import MetaTester
from tests._helpers.programs import call, refusal

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")
SMALL = ("--suite=chain/tabular", "--budget=smoke", "--seeds=2")


def test_the_program_prints_the_table_and_says_where_the_pictures_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call("meta-test", "--rules=a2c,random", *SMALL) == 0
    output = capsys.readouterr().out
    assert "| task | steps an agent | a2c | random |" in output
    assert output.endswith("table and pictures in results/chain_tabular-smoke\n")
    assert (tmp_path / "results" / "chain_tabular-smoke" / "table.md").is_file()


def test_the_list_names_every_task(capsys):
    assert call("meta-test", "--list") == 0
    output = capsys.readouterr().out
    for name, suite in SUITES.items():
        assert f"\n{name}: " in f"\n{output}"
        assert all(task.path in output for task in suite.tasks.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rulse=a2c"], 'unknown flag --rulse (did you mean "rules"?)'),
        (["--seeds=many"], "not an integer"),
        (["--seeds=0"], "seeds=0"),
        (["--devices=-1"], "devices=-1"),
        (["minatar"], 'unexpected argument "minatar"'),
        ([], "no rules were given"),
        (["--rules=a2c", "--suite="], "no suite was given"),
        (["--rules=a3c"], 'did you mean "a2c"'),
        (["--rules=a2c,a2c"], "is there twice"),
        (["--rules=a2c", "--suite=chian"], 'did you mean "chain"'),
        (["--rules=a2c", "--suite=chain/tabula"], 'did you mean "tabular"'),
        (["--rules=a2c", "--budget=labtop"], 'did you mean "laptop"'),
        (["--rules=a2c", "--to=occupied"], "choose another --to"),
        (["--rules=a2c", "--results=occupied/results"], "choose another --results"),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    monkeypatch.setattr(MetaTester, "run", lambda *_: pytest.fail("trained agents"))
    words = [*SMALL, *arguments]
    assert said in refusal(find_program("meta-test"), words, tmp_path, monkeypatch, capsys)
