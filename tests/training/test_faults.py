"""Faults while a program runs: nothing past the last save is lost, and the resumed run equals the undisturbed one."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from groove.evaluation.results import Results
from groove.training.logs.loggers import JsonlLogger, read_jsonl
from groove.training.run import meta_train
from groove.utils.errors import GrooveError

pytestmark = pytest.mark.slow
SHORT: dict[str, Any] = {
    "preset": "smoke",
    "overrides": {"run.steps": 10, "run.log_every": 1, "run.checkpoint_every": 2, "devices": 1},
}
KILLS = 7  # of each kind of program; three kinds
TRAININGS = {
    "gradient": ("--curriculum=ar", "--steps=40", "--set=run.log_every=1", "--set=run.checkpoint_every=3"),
    "es": (
        "--curriculum=ar",
        "--meta_optimizer=es",
        "--steps=30",
        "--set=es.population=4",
        "--set=run.log_every=1",
        "--set=run.checkpoint_every=3",
    ),
}


def _start(command, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "groove", command, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _end(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def _kill_after_progress(process, progress, dice):
    """Kill a process at a random time after it has begun to make progress; return whether it was still running."""
    before, deadline = progress(), time.monotonic() + 300
    while progress() == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(dice.uniform(0, 2.0))
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return alive


def _rows(run):
    rows = read_jsonl(run / "metrics.jsonl")
    return [{name: value for name, value in row.items() if "second" not in name} for row in rows]


@pytest.mark.parametrize("kind", TRAININGS)
def test_a_training_that_is_killed_at_random_equals_an_undisturbed_one(tmp_path, kind):
    whole, killed, dice = tmp_path / "whole", tmp_path / "killed", random.Random(kind)
    usual = ("--config=smoke", "--devices=1", "--minutes=0", *TRAININGS[kind])
    _end(_start("meta-train", f"--run_dir={whole}", *usual))

    def written():
        file = killed / "metrics.jsonl"
        return file.stat().st_size if file.exists() else 0

    kills, words = 0, usual
    while kills < KILLS:
        process = _start("meta-train", f"--run_dir={killed}", *words)
        if not _kill_after_progress(process, written, dice):
            break
        kills, words = kills + 1, ("--resume",)
    assert kills >= 3, "it ended before it could be killed"
    _end(_start("meta-train", f"--run_dir={killed}", "--resume"))
    assert (killed / "rule.safetensors").read_bytes() == (whole / "rule.safetensors").read_bytes()
    assert _rows(killed) == _rows(whole)


def test_a_meta_test_that_is_killed_at_random_has_the_results_of_an_undisturbed_one(tmp_path):
    words = ("--rules=a2c,random,lpg", "--suite=chain,gridworld", "--budget=smoke", "--seeds=2")
    dice = random.Random(0)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _end(_start("meta-test", *words, f"--results={whole}", f"--to={tmp_path / 'a'}"))

    def written():
        return sum(file.stat().st_size for file in killed.glob("*.jsonl"))

    kills = 0
    while kills < KILLS:
        process = _start("meta-test", *words, f"--results={killed}", f"--to={tmp_path / 'b'}")
        if not _kill_after_progress(process, written, dice):
            break
        kills += 1
    assert kills >= 3, "it ended before it could be killed"
    _end(_start("meta-test", *words, f"--results={killed}", f"--to={tmp_path / 'b'}"))
    expected, found = (
        {(cell.task, cell.rule): (cell.seeds, cell.returns.tolist()) for cell in Results(folder).cells()}
        for folder in (whole, killed)
    )
    assert found == expected


def test_a_full_disk_costs_one_message_and_nothing_that_was_saved(tmp_path):
    """Files that may not grow past a limit stand for a disk that is full."""
    whole, full = tmp_path / "whole", tmp_path / "full"
    usual = ("--config=smoke", "--devices=1", "--minutes=0", *TRAININGS["gradient"])
    _end(_start("meta-train", f"--run_dir={whole}", *usual))
    limit = (whole / "metrics.jsonl").stat().st_size // 2

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writes fail, as they do on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "groove", "meta-train", f"--run_dir={full}", "--nocompilation_cache", *usual]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("groove: ") == 1
    assert "Traceback" not in done.stderr
    _end(_start("meta-train", f"--run_dir={full}", "--resume"))
    assert (full / "rule.safetensors").read_bytes() == (whole / "rule.safetensors").read_bytes()
    assert _rows(full) == _rows(whole)


def test_a_log_that_cannot_be_written_ends_the_run_with_one_message(tmp_path, monkeypatch):
    write = JsonlLogger.write

    def fail(self, step, metrics):
        if step == 5:
            raise OSError(5, "Input/output error")
        write(self, step, metrics)

    monkeypatch.setattr(JsonlLogger, "write", fail)
    with pytest.raises(GrooveError, match=r"run cannot be written \(Input/output error\): .* go on with --resume"):
        meta_train(run_dir=tmp_path / "run", progress=False, **SHORT)
    monkeypatch.undo()
    resumed = meta_train(run_dir=tmp_path / "run", progress=False, resume=True)
    whole = meta_train(run_dir=tmp_path / "whole", progress=False, **SHORT)
    assert (resumed.run_dir / "rule.safetensors").read_bytes() == (whole.run_dir / "rule.safetensors").read_bytes()


def test_a_clock_that_goes_backwards_changes_nothing_but_times(tmp_path, monkeypatch):
    whole = meta_train(run_dir=tmp_path / "whole", progress=False, **SHORT)
    clock = iter(range(10**9, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    odd = meta_train(run_dir=tmp_path / "odd", progress=False, **SHORT)
    assert _rows(odd.run_dir) == _rows(whole.run_dir)
    assert os.path.getsize(odd.run_dir / "rule.safetensors") > 0
