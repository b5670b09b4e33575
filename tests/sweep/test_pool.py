"""Processes side by side: failures stop all, losses are made up for, and nothing is left running."""

import io
import os
import signal
import sys
import threading

import pytest
from rich.console import Console
from rich.progress import Progress

from groove.sweep import pool
from groove.sweep.executor import LOST, Resources
from groove.sweep.local import LocalExecutor
from groove.utils.errors import GrooveError


class _Job:
    def __init__(self, code):
        self.code, self.stopped = code, False

    def exit_code(self):
        return self.code

    def stop(self):
        self.stopped, self.code = True, 0


class _Executor:
    """Gives the jobs of each name the exit codes listed for it, one per start."""

    def __init__(self, codes):
        self.codes = {name: list(each) for name, each in codes.items()}
        self.started, self.jobs, self.most = [], [], 0

    def start(self, command, name, log):
        self.started.append((name, *command))
        self.jobs.append(_Job(self.codes[name].pop(0)))
        self.most = max(self.most, sum(job.code is None for job in self.jobs))
        return self.jobs[-1]


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(pool, "POLL_SECONDS", 0.01)


@pytest.fixture
def bars():
    return Progress(console=Console(file=io.StringIO(), width=200), disable=True)


def _work(name, commands=None):
    left = list(commands or [["begin"]])
    return pool.Work(name, lambda: left.pop(0), lambda: 0.0)


def test_a_lost_process_goes_on_with_a_new_command(tmp_path, bars):
    executor = _Executor({"a": [LOST, -9, 0]})
    pool.run_all([_work("a", [["begin"], ["resume"], ["again"]])], tmp_path, executor, 1, bars)
    assert executor.started == [("a", "begin"), ("a", "resume"), ("a", "again")]
    assert "killed or its machine is gone: it goes on (2 of 3)" in bars.console.file.getvalue()


def test_a_process_that_is_lost_again_and_again_fails(tmp_path, bars):
    executor = _Executor({"a": [LOST] * 4})
    with pytest.raises(GrooveError, match=r"a failed with exit code 137: read .*\.log"):
        pool.run_all([_work("a", [["x"]] * 4)], tmp_path, executor, 1, bars)


def test_a_process_that_was_asked_to_stop_goes_on(tmp_path, bars):
    done = [False, True]
    work = _work("a", [["begin"], ["resume"]])._replace(finished=lambda: done.pop(0))
    executor = _Executor({"a": [0, 0]})
    pool.run_all([work], tmp_path, executor, 1, bars)
    assert executor.started == [("a", "begin"), ("a", "resume")]
    assert "a was stopped: it goes on (1 of 3)" in bars.console.file.getvalue()
    never = _work("b", [["x"]] * 4)._replace(finished=lambda: False)
    with pytest.raises(GrooveError, match="b ended before its work was complete"):
        pool.run_all([never], tmp_path, _Executor({"b": [0] * 4}), 1, bars)


def test_the_first_failure_stops_the_others(tmp_path, bars):
    executor = _Executor({"a": [None], "b": [2], "c": [0]})
    with pytest.raises(GrooveError, match="b failed with exit code 2"):
        pool.run_all([_work(name) for name in "abc"], tmp_path, executor, 2, bars)
    assert [name for name, _ in executor.started] == ["a", "b"]
    assert [job.stopped for job in executor.jobs] == [True, False]


def test_processes_of_this_machine_leave_their_output(tmp_path, bars):
    code = "import sys; print('said'); print('complained', file=sys.stderr)"
    work = [_work(name, [[sys.executable, "-c", code]]) for name in "abc"]
    pool.run_all(work, tmp_path, LocalExecutor(Resources()), 2, bars)
    logs = [log.read_text() for log in tmp_path.glob("*.log")]
    assert len(logs) == 3
    assert all(sorted(log.split()) == ["complained", "said"] for log in logs)


def test_a_signal_that_is_ignored_stays_ignored(tmp_path, bars):
    """nohup lets a program outlive its terminal."""

    def hang_up():
        os.kill(os.getpid(), signal.SIGHUP)
        return ["begin"]

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        pool.run_all([pool.Work("a", hang_up, lambda: 0.0)], tmp_path, _Executor({"a": [0]}), 1, bars)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_processes(tmp_path, bars, number):
    executor = _Executor({"a": [None], "b": [None]})
    before = signal.signal(number, signal.SIG_DFL)  # under nohup, SIGHUP is ignored
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), number)).start()
        with pytest.raises(KeyboardInterrupt):
            pool.run_all([_work("a"), _work("b")], tmp_path, executor, 2, bars)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert [job.stopped for job in executor.jobs] == [True, True]
