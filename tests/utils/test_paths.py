"""Paths of users: homes, commas, and folders and files that cannot be written."""

import pathlib

import pytest

from groove.utils import paths
from groove.utils.errors import GrooveError
from groove.utils.paths import check_file, check_folder, name_of, names_of, rejoin_paths, user_path, writing


def test_the_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/run") == user_path(pathlib.Path("~/run")) == tmp_path / "run"


def test_a_home_that_does_not_exist_is_one_line():
    with pytest.raises(GrooveError, match='"~nobody-of-this-name/run": write the path without "~"'):
        user_path("~nobody-of-this-name/run")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x" * 300, "at most 255 bytes"),
        ("a\0b", "no NUL"),
        ("\ud800x", "set PYTHONUTF8=1"),
        ("a/" * 3000, "at most 4095 bytes"),
        ("\udce4", "set PYTHONUTF8=1"),
        ("ä" * 128, "at most 255"),
    ],
)
def test_names_that_no_file_can_have_are_one_line(name, message):
    with pytest.raises(GrooveError, match=message) as refused:
        user_path(f"runs/{name}")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200
    assert user_path("ä" * 127).name == "ä" * 127


@pytest.mark.parametrize("flag", ["--to", "--run_dir"])
def test_an_empty_path_is_not_the_folder_that_one_is_in(flag):
    with pytest.raises(GrooveError, match=f'{flag} is empty: give a path, such as "."'):
        user_path("", flag)
    assert user_path(".", flag) == pathlib.Path()


def test_names_are_one_or_several_texts_or_paths():
    assert names_of("groove", "--rules") == ["groove"]
    assert names_of(pathlib.Path("runs/a"), "--rules") == ["runs/a"]
    assert names_of(["a2c", pathlib.Path("runs/a")], "--rules") == ["a2c", "runs/a"]
    assert names_of((), "--rules") == []


@pytest.mark.parametrize("names", [None, 5, b"groove", {"groove": 1}, [None], [["groove"]], ["a2c", 1]])
def test_names_of_another_type_are_one_line(names):
    with pytest.raises(GrooveError, match=r"--rules (must be a name, or a list of names|lists .*, which is no name)"):
        names_of(names, "--rules")
    with pytest.raises(GrooveError, match="--rule must be one name or path"):
        name_of(names, "--rule")
    with pytest.raises(GrooveError, match="--to must be a path"):
        user_path(names, "--to")


def test_one_name_is_a_text_or_a_path():
    assert name_of("groove", "--rule") == "groove"
    assert name_of(pathlib.Path("runs/a"), "--rule") == "runs/a"


def test_paths_with_commas_are_joined_again_and_nothing_else_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a", "b", "dr=0.5,mazes=0.5-smoke", "x,y,z"):
        (tmp_path / name).mkdir()
    for words in (
        ["a", "b", "a2c"],
        ["first=a", "first=b", "random"],
        ["dr=0.5,mazes=0.5-smoke", "a2c"],
        ["mine=dr=0.5,mazes=0.5-smoke", "mine=~/x,y,z", "b"],
    ):
        assert rejoin_paths(",".join(words).split(",")) == words


@pytest.mark.parametrize("folder", [".", "new", "new/deeper/still"])
def test_a_folder_that_can_be_made_passes_and_nothing_is_left_behind(folder, tmp_path):
    check_folder(tmp_path / folder, "--to")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/below", "x" * 300, "dangling"])
def test_a_folder_that_cannot_be_made_is_one_line(folder, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(GrooveError, match=r"cannot be written: .*; choose another --to\.") as refused:
        check_folder(tmp_path / folder, "--to")
    assert "\n" not in str(refused.value)


def test_the_folder_that_takes_no_file_is_named(tmp_path, monkeypatch):
    def deny(*args, **kwargs):
        raise FileNotFoundError(2, "No such file or directory", "/proc/tmpabc")  # what /proc says

    monkeypatch.setattr(paths.tempfile, "TemporaryFile", deny)
    said = rf"no file can be made in {tmp_path} \(No such file or directory\); choose another --to"
    with pytest.raises(GrooveError, match=said):
        check_folder(tmp_path / "new", "--to")


def test_files_need_a_folder_and_a_name(tmp_path):
    check_file(tmp_path / "new.png", "--to")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(GrooveError, match="is a folder; give --to the name of a file"):
        check_file(tmp_path, "--to")
    with pytest.raises(GrooveError, match=r"the folder .*nowhere does not exist; make it, or choose another --to"):
        check_file(tmp_path / "nowhere" / "new.png", "--to")


def test_an_error_of_the_system_while_writing_says_what_to_do(tmp_path):
    refused = pytest.raises(GrooveError, match=r"out.png cannot be written: .*No such file.* Make room\.")
    with refused, writing(tmp_path / "out.png", "Make room."):
        (tmp_path / "nowhere" / "out.png").write_text("")


def test_rules_before_a_labelled_path_are_no_part_of_the_label(tmp_path):
    words = ["a2c", "random", f"against PPO={tmp_path}", f"first={tmp_path}"]
    assert rejoin_paths(words) == words
