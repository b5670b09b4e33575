"""The program sweep: one line for bad input, and nothing is started."""

import pytest

from groove.cli._main import find_program
from tests._helpers.programs import call, refusal


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.toml").write_text('config = "smoke"\nseeds = 2\n')
    (tmp_path / "broken.toml").write_text("config = [")
    (tmp_path / "unknown.toml").write_text('config = "smoke"\nsedes = 2\n')
    (tmp_path / "occupied").write_text("")


def test_a_dry_run_lists_what_is_missing(capsys):
    assert call("sweep", "sweep.toml", "--dry_run", "--to=runs") == 0
    printed = capsys.readouterr().out
    assert printed.count("ar-smoke-") == 2
    assert "0 of 2 are done" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FILE is missing"),
        (["nowhere.toml"], "nowhere.toml"),
        (["broken.toml"], "broken.toml"),
        (["unknown.toml"], "sedes"),
        (["sweep.toml", "--jobs=0"], "--jobs=0"),
        (["sweep.toml", "--jobs=many"], "not an integer"),
        (["sweep.toml", "--to=occupied"], "choose another --to"),
        (["sweep.toml", "--to=" + "x" * 300], "names have at most 255 bytes"),
        (["sweep.toml", "--executor=k8s"], "local|ray|slurm"),
        (["sweep.toml", "--option=a=b"], "--executor local takes no options"),
        (
            ["sweep.toml", "--executor=slurm", "--option=a=1", "--option=a=2"],
            "--option a is given twice, as 1 and as 2",
        ),
        (["sweep.toml", "--dryrun"], 'did you mean "dry_run"'),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("groove.sweep.sweep.run_steps", lambda *_: pytest.fail("started"))
    assert said in refusal(find_program("sweep"), arguments, tmp_path, monkeypatch, capsys)
