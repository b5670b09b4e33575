"""Files are never half-written and follow the umask; values become JSON."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from groove.utils.errors import ConfigError
from groove.utils.io import (
    one_line,
    parse_json,
    parse_toml,
    read_json,
    to_json,
    write_all,
    write_atomically,
    write_json,
)


def test_json_takes_arrays_paths_and_nan():
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": float("nan"), "d": Path("x"), "e": (1, np.inf, True, None)}
    assert to_json(value) == {"a": 0.5, "b": [0, 1, 2], "c": None, "d": "x", "e": [1, None, True, None]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def fail(*args):
        raise OSError(28, "No space left on device")

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, fail)
            with pytest.raises(OSError, match="No space"):
                write_json(path, {"new": 2})
        assert json.loads(path.read_text()) == {"old": 1}
        assert os.listdir(tmp_path) == ["a.json"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o444 == 0o444


def test_several_files_are_replaced_together_or_not_at_all(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a", "b", "c")]
    write_all({path: b"old" for path in paths})
    real, calls = os.fsync, []

    def fail_later(handle):
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_later)
        with pytest.raises(OSError, match="No space"):
            write_all({path: b"new" for path in paths})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys("abc", b"old")
    write_all({path: b"new" for path in paths})
    assert {path.read_bytes() for path in paths} == {b"new"}


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "[NaN]", "-Infinity", "1e999", "9" * 5000, str(2**63)]
)
def test_text_that_is_no_json_is_a_value_error(text, tmp_path):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (json's own messages)
        parse_json(text)
    assert len(str(error.value)) < 200
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ConfigError, match=r"x.json cannot be read \(.*\); make it again\."):
        read_json(tmp_path / "x.json", "make it again")
    with pytest.raises(ConfigError, match=r"y.json does not exist; make it again\."):
        read_json(tmp_path / "y.json", "make it again")


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 1.5e308, -0.0, 5e-324])
def test_numbers_of_64_bits_are_read_as_they_are(number):
    assert repr(parse_json(json.dumps(number))) == repr(number)


@pytest.mark.parametrize("text", ["a = ", "a = " + "[" * 10_000, f"{'a.' * 10_000}a = 1", f"[{'a.' * 100}a]"])
def test_text_that_is_no_toml_or_nested_too_deeply_is_a_value_error(text):
    with pytest.raises(ValueError) as error:  # noqa: PT011 (tomllib's own messages)
        parse_toml(text)
    assert len(str(error.value)) < 200


def test_toml_is_read_as_nested_tables():
    assert parse_toml("a.b = [[1], [2]]\n[c]\nd = 'x'") == {"a": {"b": [[1], [2]]}, "c": {"d": "x"}}
    assert parse_toml("") == {}


@pytest.mark.parametrize("umask", [0o077, 0o002, 0o022])
def test_files_have_the_permissions_that_the_umask_leaves(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "file", b"new")
        write_atomically(tmp_path / "file", b"replaced")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


def test_a_file_system_that_refuses_to_change_permissions_loses_no_file(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(1, "Operation not permitted")

    for name in ("chmod", "fchmod"):
        monkeypatch.setattr(os, name, refuse)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_one_line_of_an_error():
    assert one_line(ValueError("first\nsecond")) == "first"
    assert one_line(KeyError()) == "KeyError"
    assert one_line(ValueError("x" * 200), limit=10) == "xxxxxxx..."
