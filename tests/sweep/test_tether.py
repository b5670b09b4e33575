"""Commands under the tether: exit codes pass through, and a child does not outlive the process that started it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from groove.sweep.executor import was_killed
from groove.sweep.tether import KILLED, tethered


def _start(code, **options):
    return subprocess.Popen(tethered([sys.executable, "-c", code]), stdin=subprocess.PIPE, **options)


def _gone(pid):
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", KILLED + signal.SIGKILL),
    ],
)
def test_exit_codes_pass_through(code, expected):
    with _start(code) as process:
        assert process.wait() == expected
    assert was_killed(expected) == (expected > KILLED)


@pytest.mark.parametrize("cause", ["close", "terminate"])
def test_the_command_is_asked_to_end(cause):
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print(1, flush=True)\n"
    with _start(code + "time.sleep(60)", stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        if cause == "close":
            process.stdin.close()
        else:
            process.terminate()
        assert process.wait(timeout=10) == 7


def test_the_command_ends_when_the_starter_is_killed():
    code = (
        "import subprocess, sys\n"
        "from groove.sweep.tether import tethered\n"
        "code = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        "process = subprocess.Popen(tethered([sys.executable, '-c', code]), stdin=subprocess.PIPE)\n"
        "process.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        assert _gone(child)
