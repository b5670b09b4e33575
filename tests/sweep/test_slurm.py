"""Jobs of submitit, by its executor for this machine."""

import sys
import time

import pytest

from groove.sweep.executor import LOST, Resources, make_executor, wait_for, was_killed
from groove.utils.errors import ConfigError


@pytest.fixture
def start(tmp_path):
    options = {"cluster": "local", "folder": str(tmp_path / "submitit"), "timeout_min": "5"}
    executor = make_executor("slurm", Resources(options=options))
    return lambda code: executor.start([sys.executable, "-c", code], "a job", tmp_path / "log")


def test_jobs_end_with_their_exit_code_and_leave_their_output(start, tmp_path):
    jobs = [start("print('done')"), start("raise SystemExit(3)")]
    assert [wait_for(job) for job in jobs] == [0, 3]
    assert "done" in (tmp_path / "log").read_text()


def test_a_killed_job_is_lost(start):
    assert was_killed(wait_for(start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")))
    job = start("import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)")
    assert was_killed(wait_for(job))


@pytest.mark.slow  # submitit waits
def test_a_job_is_stopped(start, tmp_path):
    job = start("import time; print('on', flush=True); time.sleep(60)")
    while not (tmp_path / "log").exists() or "on" not in (tmp_path / "log").read_text():
        time.sleep(0.1)
    job.stop()
    assert wait_for(job) == LOST


def test_unknown_options_are_refused():
    with pytest.raises(ConfigError, match="tiemout_min"):
        make_executor("slurm", Resources(options={"cluster": "local", "tiemout_min": "5"}))
    with pytest.raises(ConfigError, match="--executor local takes no options: leave out address"):
        make_executor("local", Resources(options={"address": "auto"}))


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("timeout_min", "abc", 'timeout_min takes a whole number above 0, as in timeout_min=60, not "abc"'),
        ("timeout_min", "1.5", "timeout_min takes a whole number"),
        ("timeout_min", "-5", "timeout_min takes a whole number above 0"),
        ("timeout_min", "\u00b2", "timeout_min takes a whole number"),
        ("slurm_timeout_min", "abc", "slurm_timeout_min takes a whole number"),
        ("timeout_min", "9" * 5000, "timeout_min takes a whole number"),
        ("mem_gb", "nan", "mem_gb takes a number above 0"),
        ("gpus_per_node", "two", "gpus_per_node"),
    ],
)
def test_values_of_another_type_are_refused(name, value, complaint):
    with pytest.raises(ConfigError, match=complaint) as refused:
        make_executor("slurm", Resources(options={"cluster": "local", name: value}))
    assert str(refused.value).count("--executor slurm") == 1


@pytest.mark.parametrize(("name", "value"), [("mem_gb", "1.5"), ("mem_gb", "8"), ("slurm_partition", "long")])
def test_values_of_the_right_type_are_taken(tmp_path, name, value):
    make_executor("slurm", Resources(options={"cluster": "local", "folder": str(tmp_path), name: value}))


def test_a_machine_without_slurm_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"--executor slurm: .*srun"):
        make_executor("slurm", Resources(options={"folder": str(tmp_path)}))
