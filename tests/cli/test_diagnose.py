"""The program diagnose: heat maps and the worst levels, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from tests._helpers.programs import call, refusal

pytestmark = pytest.mark.usefixtures("devices_of_the_tests")


def test_the_program_says_how_the_rule_compares_and_where_the_files_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call("diagnose", "--rule=random", "--levels=2", "--seeds=1", "--updates=2", "--worst=1", "--to=to") == 0
    assert "of A2C's return on 2 random levels; heat maps and worst levels in to\n" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "to").iterdir()} == {"heat_maps.png", "worst.png", "worst.safetensors"}


@pytest.mark.slow
def test_a_search_says_how_far_the_rule_is_behind_and_where_the_files_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--levels=8", "--batch=8", "--seeds=1", "--rescore=1", "--updates=2", "--to=to"]
    assert call("diagnose", "--rule=random", "--search=archive", *flags) == 0
    said = capsys.readouterr().out
    assert "random: behind a2c by " in said
    assert "levels and pictures in to\n" in said
    assert (tmp_path / "to" / "archive.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule=random", "--to=to", "--search=archiv"], "archive|best|random"),
        (["--rule=random", "--to=to", "--axes=size,max_steps"], "--axes is read by --search only"),
        (["--rule=random", "--to=to", "--search=archive", "--axes=size"], "two different features"),
        (["--rul=a2c"], 'unknown flag --rul (did you mean "rule"?)'),
        (["--rule=random", "--to=to", "--levels=0"], "levels=0"),
        (["--rule=random", "--to=to", "--levels=1000000000"], "levels=1000000000"),
        (["--rule=random", "--to=to", "--updates=x"], "not an integer"),
        (["--rule=random", "--to=to", "minatar"], 'unexpected argument "minatar"'),
        (["--to=to"], "--rule is missing"),
        (["--rule=random"], "--to is missing"),
        (["--rule=a3c", "--to=to"], 'did you mean "a2c"'),
        (["--rule=random", "--to=occupied"], "choose another --to"),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "occupied").write_text("")
    monkeypatch.setattr("groove.evaluation.failures.diagnose.measure", lambda *_: pytest.fail("trained agents"))
    assert said in refusal(find_program("diagnose"), arguments, tmp_path, monkeypatch, capsys)
