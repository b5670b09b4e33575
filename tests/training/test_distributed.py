"""One run in several processes: the results of one process, and nothing lost when processes end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from groove.dropin.rule_file import load_rule
from groove.utils.errors import GrooveError
from groove.utils.processes import any_process, is_first, join, of_first, to_host, wait_for_all

LAUNCH = Path(__file__).parents[2] / "launch" / "meta_train.py"
STEPS = 20


def start(run_dir, processes, devices, *words):
    """Start every process of a run; return them."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    run = [sys.executable, str(LAUNCH), f"--run_dir={run_dir}", f"--devices={devices}", *words]
    place = [f"--coordinator=localhost:{port}", f"--processes={processes}"]
    places = [["--distributed", *place, f"--process={p}"] for p in range(processes)] if processes > 1 else [[]]
    return [
        subprocess.Popen([*run, *own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for own in places
    ]


def finish(processes):
    """Wait for all processes, and return their exit codes and outputs."""
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    return [process.returncode for process in processes], outputs


def train(run_dir, processes, devices, *words):
    codes, outputs = finish(start(run_dir, processes, devices, *words))
    assert codes == [0] * processes, outputs
    return outputs


def new(curriculum="ar"):
    return ["--config=smoke", f"--curriculum={curriculum}", f"--steps={STEPS}"]


def assert_equal_rules(run, other, atol):
    a, b = (load_rule(path / "rule.safetensors") for path in (run, other))
    assert a[1]["meta_steps"] == b[1]["meta_steps"] == STEPS
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=0, atol=atol), a[0], b[0])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process on one device."""
    run = tmp_path_factory.mktemp("alone") / "run"
    train(run, 1, 1, *new())
    return run


@pytest.mark.slow
def test_two_processes_of_two_devices_train_the_rule_of_one(tmp_path, alone):
    outputs = train(tmp_path / "run", 2, 4, *new())
    assert_equal_rules(tmp_path / "run", alone, 1e-5)
    assert "4 cpu devices of 2 processes" in outputs[0]
    assert "step 20/20" not in outputs[1], "the first process alone shows the run"
    names = lambda run: {path.name for path in run.iterdir()}  # noqa: E731
    assert names(tmp_path / "run") == names(alone)
    logs = [(run / "metrics.jsonl").read_text().splitlines() for run in (tmp_path / "run", alone)]
    steps = [[json.loads(line)["step"] for line in log] for log in logs]
    assert steps[0] == steps[1]


@pytest.mark.slow
def test_generations_are_the_same_in_two_processes(tmp_path):
    words = [*new("broad=0.5,dr=0.5"), "--meta_optimizer=es", "--set=es.pairs_at_once=1"]
    train(tmp_path / "alone", 1, 1, *words)
    train(tmp_path / "run", 2, 2, *words)
    assert_equal_rules(tmp_path / "run", tmp_path / "alone", 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [(1,), (0, 1)])
def test_a_run_whose_processes_are_killed_is_resumed_on_other_devices(tmp_path, alone, killed):
    run = tmp_path / "run"
    processes = start(run, 2, 4, *new())
    while not (run / "checkpoints" / "10").is_dir():
        assert all(process.poll() is None for process in processes), finish(processes)
        time.sleep(0.1)
    for p in killed:
        os.kill(processes[p].pid, signal.SIGKILL)
    codes, outputs = finish(processes)
    if killed == (1,) and codes[0] != 0:  # the first process may have been done already
        between_collectives = "stopped sending heartbeats" in outputs[0]  # then JAX's runtime ends the process itself
        assert between_collectives or "start all processes again with --resume" in outputs[0]
    train(run, 1, 1, "--resume", f"--steps={STEPS}")
    assert_equal_rules(run, alone, 1e-5)


@pytest.mark.slow
def test_a_request_to_one_process_stops_all_after_saving(tmp_path, alone):
    run = tmp_path / "run"
    processes = start(run, 2, 4, *new())
    while not (run / "checkpoints" / "10").is_dir():
        assert all(process.poll() is None for process in processes), finish(processes)
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGTERM)
    codes, outputs = finish(processes)
    assert codes == [0, 0], outputs
    stopped = json.loads((run / "summary.json").read_text())
    if stopped["step"] < STEPS:  # the request may have come during the last step
        assert "on request" in stopped["stopped"]
    train(run, 2, 4, "--resume", f"--steps={STEPS}")
    assert_equal_rules(run, alone, 1e-5)


@pytest.mark.slow
def test_a_run_of_one_process_goes_on_in_two_and_back(tmp_path, alone):
    run = tmp_path / "run"
    train(run, 1, 1, *new()[:2], "--steps=5")
    train(run, 2, 4, "--resume", "--steps=10")
    train(run, 1, 2, "--resume", f"--steps={STEPS}")
    assert_equal_rules(run, alone, 1e-5)


@pytest.mark.slow
def test_what_cannot_be_shared_is_refused_in_every_process(tmp_path):
    codes, outputs = finish(start(tmp_path / "run", 2, 0, *new(), "--set=slots.count=9"))
    assert codes == [2, 2]
    assert all("make it 8 or 10" in output for output in outputs)
    (tmp_path / "file").write_text("")
    codes, outputs = finish(start(tmp_path / "file", 2, 0, *new()))
    assert codes == [2, 2]
    assert "is a file" in outputs[0]
    assert "the first process could not open" in outputs[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--coordinator=localhost:1"], "are read with --distributed only"),
        (["--distributed", "--processes=2"], "give --coordinator, --processes and --process together"),
        (
            ["--distributed", "--coordinator=localhost:1", "--processes=2", "--process=2"],
            "--process = 2 must be between 0 and 1",
        ),
        (
            ["--distributed", "--coordinator=localhost", "--processes=2", "--process=0"],
            '--coordinator = "localhost" must be HOST:PORT, as in host:1234.',
        ),
    ],
)
def test_wrong_places_are_refused(tmp_path, words, message):
    run = [sys.executable, str(LAUNCH), *new(), f"--run_dir={tmp_path / 'run'}", *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "run").exists()


def test_one_process_agrees_with_itself():
    assert is_first()
    assert any_process(True)
    assert not any_process(False)
    assert of_first(0.25) == 0.25
    wait_for_all("a test")
    assert to_host({"a": jax.numpy.arange(3)})["a"].tolist() == [0, 1, 2]
    with pytest.raises(GrooveError, match="together"):
        join("localhost:1")


@pytest.mark.parametrize(
    "place", ["localhost", "localhost:", ":1234", "host:port", "host:0", "host:65536", "host:-1", ""]
)
def test_a_coordinator_is_a_host_and_a_port(place):
    with pytest.raises(GrooveError, match="must be HOST:PORT"):
        join(place, 2, 0)
