"""The program levels: a table, a picture and files of levels, and one line for bad input."""

import pytest

from groove.cli._main import find_program
from groove.envs.gridworld.level_file import load_levels, save_levels
from tests._helpers.level_sets import four_levels
from tests._helpers.programs import call, refusal


@pytest.fixture(autouse=True)
def _file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_levels("all.safetensors", four_levels())
    (tmp_path / "bad.json").write_text('{"levels": [{}]}')


def test_list_prints_the_best_levels(capsys):
    assert call("levels", "list", "--from=all.safetensors", "--top=2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "nearest_positive" in lines[0]
    assert "3.000" in lines[1]


def test_draw_writes_a_picture(tmp_path, capsys):
    assert call("levels", "draw", "--from=all.safetensors", "--to=levels.png", "--top=2") == 0
    assert (tmp_path / "levels.png").stat().st_size > 1000
    assert capsys.readouterr().out == "2 levels in levels.png\n"


def test_export_and_import_write_level_files(capsys):
    assert call("levels", "export", "--from=all.safetensors", "--to=best.json", "--top=3", "--lifetimes=7,7") == 0
    assert call("levels", "import", "--from=best.json", "--to=best.safetensors") == 0
    assert capsys.readouterr().out == "3 levels in best.json\n3 levels in best.safetensors\n"
    levels = load_levels("best.safetensors")
    assert levels.scores.tolist() == [3.0, 2.0, 1.0]
    assert set(levels.levels.lifetime.tolist()) == {7}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND is missing: give list"),
        (["list", "draw"], 'unexpected argument "draw"'),
        (["drow", "--to=a.png"], 'did you mean "draw"'),
        (["list", "--form=x"], 'did you mean "from"'),
        (["list", "--top=-1"], "top=-1"),
        (["list", "--to=a.png"], "list prints a table and writes no file"),
        (["draw"], "draw needs --to"),
        (["draw", "--to=a.gif"], ".png, .pdf or .svg"),
        (["export", "--to=all.safetensors"], "exists; choose another --to"),
        (["export", "--to=a.txt"], ".safetensors or .json"),
        (["export", "--to=nowhere/a.json"], "the folder nowhere does not exist"),
        (["export", "--to=a.json", "--from=no"], "does not exist"),
        (["export", "--to=a.json", "--lifetimes=100"], "give the shortest and the longest"),
        (["export", "--to=a.json", "--lifetimes=a,b"], "give the shortest and the longest"),
        (["export", "--to=a.json", "--lifetimes=5,3000000000"], "--lifetimes = 3000000000 must be at least 1, and at"),
        (["export", "--to=a.json", f"--lifetimes=5,{'9' * 5000}"], "give the shortest and the longest"),
        (["export", "--to=a.json", "--lifetimes=9,5"], "give the shortest and the longest"),
        (["import", "--to=a.safetensors", "--from=bad.json"], "is not JSON as"),
        (["import", "--to=a.safetensors", "--from=no.json"], "cannot be read"),
    ],
)
def test_bad_input_costs_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    words = ["--from=all.safetensors", *arguments]
    assert said in refusal(find_program("levels"), words, tmp_path, monkeypatch, capsys)


def test_the_source_is_required(tmp_path, monkeypatch, capsys):
    assert "--from is missing" in refusal(find_program("levels"), ["list"], tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["play"], "play takes one level"),
        (["play", "nothing"], "is no level"),
        (["play", "dense"], "needs a terminal"),
        (["play", "dense", "--to=a.gif"], "--to is not read by play"),
        (["play", "dense", "--rule=a2c"], "--rule is read with --gif only"),
        (["play", "dense", "--gif=a.png"], "in .gif"),
        (["list", "more", "--from=all.safetensors"], 'unexpected argument "more"'),
        (["list", "--from=all.safetensors", "--gif=a.gif"], "--gif is read by play only"),
        (["list"], "--from is missing"),
    ],
)
def test_play_and_the_other_commands_refuse_what_they_do_not_read(words, message, tmp_path, monkeypatch, capsys):
    assert message in refusal(find_program("levels"), words, tmp_path, monkeypatch, capsys)
