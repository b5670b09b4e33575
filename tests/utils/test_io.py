"""Files are never half-written and follow the umask; values become JSON."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from groove.utils.io import one_line, to_json, write_atomically, write_json


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
