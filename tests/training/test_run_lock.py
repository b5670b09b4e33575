"""One process at a time trains in a run directory; a lock whose process has ended is free."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from groove.training.run_dir import RunError
from groove.training.run_lock import OWNER, lock_run
from groove.utils.errors import GrooveError

HOLD = """
import sys, time
from pathlib import Path
from groove.training.run_lock import lock_run
with lock_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of tmp_path/run."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_holds_the_lock(tmp_path, holder):
    owner = rf"is in use by process {holder.pid} on {socket.gethostname()} since \d{{4}}-.* UTC: wait"
    with pytest.raises(RunError, match=owner), lock_run(tmp_path / "run"):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with lock_run(tmp_path / "run"):
        pass


def test_the_lock_is_released_at_the_end_and_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), lock_run(tmp_path):
            raise ZeroDivisionError
    with lock_run(tmp_path):
        with pytest.raises(RunError, match=f"process {os.getpid()} on"), lock_run(tmp_path):
            pass
        (tmp_path / OWNER).write_text("{")
        with pytest.raises(RunError, match="is in use by another process"), lock_run(tmp_path):
            pass


def test_an_owner_that_cannot_be_written_is_one_line_and_frees_the_lock(tmp_path):
    (tmp_path / OWNER).mkdir()
    refused = pytest.raises(GrooveError, match=r"owner\.json cannot be written: .* move the file away\.")
    with refused, lock_run(tmp_path):
        pass
    (tmp_path / OWNER).rmdir()
    with lock_run(tmp_path):
        pass


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot be written \(Not a directory\)"), lock_run(tmp_path / "file" / "run"):
        pass
