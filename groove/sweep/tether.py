"""A program that runs a command and ends it when the process that started it is gone.

A process that is killed leaves its children behind; here they would hold the lock of a run directory. Whoever starts
this program keeps a pipe to its standard input, which the operating system closes in any case.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

KILLED = 128  # shells give a process that died of signal n the exit code 128 + n


def tethered(command: Sequence[str]) -> list[str]:
    """Return the command line that runs a command under this program."""
    return [sys.executable, os.path.abspath(__file__), *command]


def main(command: Sequence[str]) -> int:
    """Run the command and return its exit code; end it with SIGTERM once the standard input is closed."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end(*_: object) -> None:
        child.terminate()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    return KILLED - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
