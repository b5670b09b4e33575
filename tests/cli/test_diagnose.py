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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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
    monkeypatch.setattr("groove.evaluation.diagnose.measure", lambda *_: pytest.fail("trained agents"))
    assert said in refusal(find_program("diagnose"), arguments, tmp_path, monkeypatch, capsys)
