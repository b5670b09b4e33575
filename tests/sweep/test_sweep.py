"""Sweeps: runs are trained once, go on where they were stopped, and end in one table."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from groove.sweep.sweep import describe, outcomes
from groove.sweep.sweep_file import read_sweep

SWEEP = """
config = "smoke"
seeds = 2
set = { "run.steps" = 12, "run.checkpoint_every" = 2, "run.log_every" = 1, "validation.every" = 0 }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SWEEP)
    return path


def _write_summary(runs, training, **summary):
    directory = runs / training.name
    directory.mkdir(parents=True)
    (directory / "summary.json").write_text(json.dumps(summary))


def test_the_plan_and_the_table_name_methods_and_seeds(tmp_path, file):
    first, second = trainings = read_sweep(file)
    _write_summary(tmp_path, first, **{"step": 12, "seconds": 6.0, "validation/normalised_return": 0.978})
    assert describe(trainings, tmp_path, 2).splitlines() == [
        f"    0.1 min  ar, meta-seed 1  ({second.name})",
        "    0.1 min  in all; 1 of 2 are done",
    ]
    _write_summary(tmp_path, second, step=12, seconds=60.0)
    console = Console(file=io.StringIO(), width=200)
    console.print(outcomes(trainings, tmp_path))
    rows = [line.split() for line in console.file.getvalue().splitlines()[1:]]
    assert rows == [
        ["ar", "0", "12", "0.1", "0.98", f"{tmp_path}/{first.name}"],
        ["ar", "1", "12", "1.0", "-", f"{tmp_path}/{second.name}"],
    ]


def _sweep(file, runs, *flags):
    command = [sys.executable, "-m", "groove", "sweep", str(file), "--to", str(runs), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _wait_for_step(runs, training, step):
    for _ in range(1200):
        if training.steps_done(runs) >= step:
            return
        time.sleep(0.1)
    raise AssertionError("the training does not begin")


def _rule(runs, training):
    return (runs / training.name / "rule.safetensors").read_bytes()


def _process(runs, training):
    return json.loads((runs / training.name / ".owner.json").read_text())["process"]


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ends(process, code=0):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == code, output
    return output


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["training", "sweep", "sweep, by Ctrl-C"])
def test_a_sweep_with_a_killed_process_trains_what_an_undisturbed_one_trains(tmp_path, file, victim):
    trainings = read_sweep(file)
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    assert "2 of 2" in _ends(_sweep(file, undisturbed))

    process = _sweep(file, disturbed)
    _wait_for_step(disturbed, trainings[0], 3)
    pid = _process(disturbed, trainings[0])
    if victim == "training":
        os.kill(pid, signal.SIGKILL)
        assert "is gone: it goes on (1 of 3)" in _ends(process)
    else:
        process.send_signal(signal.SIGINT if "Ctrl-C" in victim else signal.SIGKILL)
        process.communicate()
        assert "Ctrl-C" not in victim or not _alive(pid)  # it saved and ended before the sweep did
        _ends(_sweep(file, disturbed))  # waits for the orphans, which save and end
        assert not _alive(pid)
    for training in trainings:
        assert _rule(disturbed, training) == _rule(undisturbed, training)
