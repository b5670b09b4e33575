"""Processes of this machine: an interrupted call waits until its process has saved."""

import os
import signal
import sys
import threading
import time

import pytest

from groove.sweep.local import run_command

SAVES_SLOWLY = """
import signal, sys, time
def save(*_):
    time.sleep(1)
    print("saved")
    sys.exit()
signal.signal(signal.SIGTERM, save)
print("on", flush=True)
time.sleep(60)
"""


@pytest.fixture
def _interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of pytest-xdist ignore SIGINT
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("interrupts", [1, 3])
def test_a_process_saves_however_often_the_call_is_interrupted(tmp_path, interrupts):
    log = tmp_path / "log"

    def interrupt():
        while not log.exists() or not log.read_text():
            time.sleep(0.05)
        for _ in range(interrupts):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_command([sys.executable, "-c", SAVES_SLOWLY], str(tmp_path), str(log))
    assert log.read_text() == "on\nsaved\n"


def test_the_exit_code_is_returned(tmp_path):
    assert run_command([sys.executable, "-c", "raise SystemExit(3)"], str(tmp_path), str(tmp_path / "log")) == 3
