"""A run directory is opened only where it may be, says all that is needed of the run, and is never half-written."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from groove.training import run_dir
from groove.training.run_dir import RunDir, RunError, config_differences
from groove.utils.io import to_json, write_atomically, write_json
from groove.utils.provenance import git_revision

CONFIG = {"seed": 1, "run": {"steps": 10, "minutes": None}, "meta": {"learning_rate": 3e-4, "layers": (64, 64)}}


def with_checkpoint(run: RunDir, step: int = 5) -> RunDir:
    (run.checkpoints / str(step)).mkdir()
    return run


def refusal(call, *args, **kwargs) -> str:
    with pytest.raises(RunError) as error:
        call(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_new_run_is_described(tmp_path):
    run = RunDir.create(tmp_path / "a" / "b", CONFIG)
    written = json.loads(run.config.read_text())
    assert written["config"] == json.loads(json.dumps(CONFIG))
    (start,) = written["starts"]
    assert set(start["versions"]) == {"python", "groove", "jax", "jaxlib", "numpy", "optax", "haiku", "orbax"}
    assert start["versions"]["numpy"] == np.__version__
    assert start["device"]["count"] >= 1
    assert start["device"]["platform"]
    assert start["command"] == sys.argv
    assert re.match(r"\d{4}-\d\d-\d\dT", start["time"])
    assert run.tensorboard.is_dir()
    assert run.checkpoints.is_dir()
    assert run.best_rule == tmp_path / "a" / "b" / "best_rule.safetensors"


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "rule.safetensors", "checkpoints", "levels.png"])
def test_another_run_is_never_overwritten(tmp_path, name):
    (tmp_path / name).write_text("precious")
    message = refusal(RunDir.create, tmp_path, CONFIG)
    assert "already holds a run" in message
    assert "--resume" in message
    assert name in message
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_unrelated_files_do_not_matter(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunDir.create(tmp_path, CONFIG)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in refusal(RunDir.create, tmp_path / "file", CONFIG)
    assert "cannot be written" in refusal(RunDir.create, tmp_path / "file" / "below", CONFIG)


def test_a_directory_without_permission_is_refused(tmp_path, monkeypatch):
    def deny(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run_dir.tempfile, "TemporaryFile", deny)  # chmod does not stop root
    assert "cannot be written (Permission denied)" in refusal(RunDir.create, tmp_path / "new", CONFIG)
    assert not (tmp_path / "new" / "config.json").exists()


def test_a_full_disk_is_refused(tmp_path):
    free = shutil.disk_usage(tmp_path).free
    message = refusal(RunDir.create, tmp_path / "new", CONFIG, min_free_bytes=2 * free)
    assert "MiB of free space" in message
    assert not (tmp_path / "new" / "config.json").exists()


def test_resuming_adds_a_start(tmp_path):
    run = with_checkpoint(RunDir.create(tmp_path, CONFIG))
    RunDir.resume(tmp_path, CONFIG)
    RunDir.resume(tmp_path)
    written = json.loads(run.config.read_text())
    assert len(written["starts"]) == 3
    assert run.read_config() == written["config"] == json.loads(json.dumps(CONFIG))


def test_there_must_be_something_to_resume(tmp_path):
    assert "no directory" in refusal(RunDir.resume, tmp_path / "absent")
    assert "no config.json" in refusal(RunDir.resume, tmp_path)
    assert "no config.json" in refusal(RunDir(tmp_path).read_config)
    run = RunDir.create(tmp_path, CONFIG)
    (run.checkpoints / "5.orbax-checkpoint-tmp").mkdir()
    assert "no checkpoint" in refusal(RunDir.resume, tmp_path)


@pytest.mark.parametrize(
    "text", ["", '{"config": {', "[]", '{"config": 1, "starts": []}', '{"starts": []}', "\xff\xfe"]
)
def test_an_unreadable_config_is_refused_and_kept(tmp_path, text):
    run = with_checkpoint(RunDir.create(tmp_path, CONFIG))
    run.config.write_bytes(text.encode("latin-1"))
    assert "cannot be read" in refusal(RunDir.resume, tmp_path, CONFIG)
    assert run.config.read_bytes() == text.encode("latin-1")


def test_another_configuration_is_refused_by_name(tmp_path):
    run = with_checkpoint(RunDir.create(tmp_path, CONFIG))
    before = run.config.read_bytes()
    changed = {**CONFIG, "meta": {"learning_rate": 1e-3, "layers": [64, 64]}, "run": {"steps": 20, "minutes": None}}
    message = refusal(RunDir.resume, tmp_path, changed)
    assert "gradient.learning_rate was 0.0003, is 0.001" in message
    assert "run.steps was 10, is 20" in message
    assert "layers" not in message
    assert run.config.read_bytes() == before
    assert "run.steps" not in refusal(RunDir.resume, tmp_path, changed, may_differ=("run.steps",))
    RunDir.resume(tmp_path, changed, may_differ=("run", "gradient.learning_rate"))


def test_a_field_that_came_or_went_is_a_difference():
    assert config_differences({"a": 1}, {"b": 1}) == ["a was 1, is 'absent'", "b was 'absent', is 1"]
    assert config_differences({"a": {"b": 1}}, {"a": {"bc": 1}}, may_differ=("a.b",)) == ["a.bc was 'absent', is 1"]


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


def test_importing_starts_no_backend_and_no_environment():
    program = (
        "import sys, jax; from jax._src import xla_bridge\n"
        "import groove.run_dir, groove.checkpoint, groove.loggers, groove.console, groove.report\n"
        "assert not xla_bridge._backends\n"
        "late = {'gymnax', 'orbax.checkpoint', 'wandb', 'matplotlib.pyplot', 'tensorboardX'} & set(sys.modules)\n"
        "assert not late, late\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
