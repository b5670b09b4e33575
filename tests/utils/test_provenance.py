"""A start is described completely, and only a checkout has a revision."""

import re
import subprocess
import sys

import numpy as np

from groove.utils.provenance import describe_start, git_revision, processor


def test_a_start_is_described():
    start = describe_start()
    assert set(start["versions"]) == {"python", "groove", "jax", "jaxlib", "numpy", "optax", "haiku", "orbax"}
    assert start["versions"]["numpy"] == np.__version__
    assert start["device"]["count"] >= 1
    assert start["device"]["platform"]
    assert start["device"]["processor"] == processor()
    assert start["command"] == sys.argv
    assert re.match(r"\d{4}-\d\d-\d\dT", start["time"])


def test_git_revision_of_a_checkout_only(tmp_path):
    assert git_revision(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("1")
    assert git_revision(tmp_path / "package") is None, "a virtual environment inside a checkout is not the checkout"
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    clean = git_revision(tmp_path / "package")
    assert clean is not None
    assert re.fullmatch(r"[0-9a-f]{40}", clean["revision"])
    assert clean["dirty"] is False
    (tmp_path / "package" / "a.py").write_text("2")
    assert git_revision(tmp_path / "package") == {**clean, "dirty": True}
