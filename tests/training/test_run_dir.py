"""A run directory is opened only where it may be, says all that is needed of the run, and is never half-written."""

import json
import shutil
import sys

import pytest

from groove.training import run_dir
from groove.training.run_dir import RunDir, RunError, config_differences
from groove.training.settings.presets import preset
from groove.utils.typed_fields import replace_all, to_dict

CONFIG = replace_all(preset("smoke"), {"seed": 1, "run.steps": 10, "gradient.learning_rate": 3e-4})


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
    assert written["config"] == to_dict(CONFIG)
    assert [start["command"] for start in written["starts"]] == [sys.argv]
    assert run.tensorboard.is_dir()
    assert run.checkpoints.is_dir()
    assert run.best_rule == tmp_path / "a" / "b" / "best_rule.safetensors"


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "rule.safetensors", "checkpoints", "levels.png"])
def test_another_run_is_never_overwritten(tmp_path, name):
    (tmp_path / name).write_text("precious")
    message = refusal(RunDir.create, tmp_path, CONFIG)
    if name == "config.json":
        assert "already holds a run" in message
        assert "--resume" in message
    else:  # nothing could go on
        assert "no config.json to go on from: choose another directory" in message
        assert "new directory, without --resume" in refusal(RunDir.resume, tmp_path)
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
    assert written["config"] == to_dict(CONFIG)
    assert run.read_config() == CONFIG


def test_there_must_be_something_to_resume(tmp_path):
    assert "no directory" in refusal(RunDir.resume, tmp_path / "absent")
    assert "no config.json" in refusal(RunDir.resume, tmp_path)
    assert "no config.json" in refusal(RunDir(tmp_path).read_config)
    RunDir.create(tmp_path, CONFIG)
    RunDir.resume(tmp_path)  # a run that failed before its first checkpoint begins again


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"config": {',
        "[]",
        '{"config": 1, "starts": []}',
        '{"starts": []}',
        "\xff\xfe",
        '{"config": {"seed": "many"}, "starts": []}',
        '{"config": {"absent": 1}, "starts": []}',
        '{"config": {"seed": {}}, "starts": []}',
        '{"config": {}, "starts": [[]]}',
        '{"config": {}, "starts": [{"command": null}]}',
        '{"config": {}, "starts": [{"versions": "x"}]}',
        '{"config": {}, "starts": [{"git": 5}]}',
        '{"config": {}, "starts": [{"device": "x"}]}',
    ],
)
def test_an_unreadable_config_is_refused_and_kept(tmp_path, text):
    run = with_checkpoint(RunDir.create(tmp_path, CONFIG))
    run.config.write_bytes(text.encode("latin-1"))
    assert "cannot be read" in refusal(RunDir.resume, tmp_path, CONFIG)
    assert run.config.read_bytes() == text.encode("latin-1")


def test_values_out_of_range_name_the_file(tmp_path):
    run = RunDir.create(tmp_path, CONFIG)
    said_of = {-1: "cannot be used: seed = -1 must be", 10**400: "cannot be read (10000000000000000000 is no finite"}
    for seed, said in said_of.items():
        stored = json.loads(run.config.read_text())
        stored["config"]["seed"] = seed
        run.config.write_text(json.dumps(stored))
        message = refusal(run.read_config)
        assert message.startswith(f"{run.config} {said}")
        assert len(message) < 500


def test_another_configuration_is_refused_by_name(tmp_path):
    run = with_checkpoint(RunDir.create(tmp_path, CONFIG))
    before = run.config.read_bytes()
    changed = replace_all(CONFIG, {"gradient.learning_rate": 1e-3, "run.steps": 20})
    message = refusal(RunDir.resume, tmp_path, changed)
    assert "gradient.learning_rate was 0.0003, is 0.001" in message
    assert "run.steps was 10, is 20" in message
    assert message.count(" was ") == 3, "the headline and two fields"
    assert run.config.read_bytes() == before
    assert "run.steps" not in refusal(RunDir.resume, tmp_path, changed, may_differ=("run.steps",))
    RunDir.resume(tmp_path, changed, may_differ=("run", "gradient.learning_rate"))


def test_a_field_that_came_or_went_is_a_difference():
    assert config_differences({"a": 1}, {"b": 1}) == ["a was 1, is 'absent'", "b was 'absent', is 1"]
    assert config_differences({"a": {"b": 1}}, {"a": {"bc": 1}}, may_differ=("a.b",)) == ["a.bc was 'absent', is 1"]


def test_level_files_may_move_between_two_starts_of_a_run(tmp_path):
    places = [f"ar@set:/{folder}/hard.safetensors#0123456789ab" for folder in ("home", "scratch")]
    places.append("ar@set:/home/hard.safetensors#0123456789ac")
    here, moved, other = (replace_all(CONFIG, {"curriculum": place}) for place in places)
    run = RunDir(tmp_path)
    run.refuse_other_than(to_dict(here), moved)
    assert "curriculum was" in refusal(run.refuse_other_than, to_dict(here), other)
    names = ("/a/r.safetensors#" + "0" * 16, "/b/r.safetensors#" + "0" * 16, "/a/r.safetensors#" + "1" * 16)
    here, moved, other = (replace_all(CONFIG, {"start": name}) for name in names)
    run.refuse_other_than(to_dict(here), moved)
    assert "start was" in refusal(run.refuse_other_than, to_dict(here), other)
    here, moved, other = (replace_all(CONFIG, {"antagonists": ("a2c", f"rule:{name}")}) for name in names)
    run.refuse_other_than(to_dict(here), moved)
    RunDir.create(tmp_path, here)
    RunDir.resume(tmp_path, moved)
    assert "antagonists was" in refusal(RunDir.resume, tmp_path, other)
    assert "antagonists was" in refusal(run.refuse_other_than, to_dict(here), other)


def test_a_name_that_is_too_long_is_refused(tmp_path):
    assert "cannot be written" in refusal(RunDir.create, tmp_path / ("x" * 300), CONFIG)
