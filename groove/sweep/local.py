"""Processes of this machine."""

import contextlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from groove.sweep.executor import Resources, wait_for
from groove.sweep.tether import tethered
from groove.utils.errors import ConfigError


class LocalJob:
    """A process of this machine, which ends with the process that started it."""

    def __init__(self, command: Sequence[str], log: Path, folder: Path | None = None) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                tethered(command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                start_new_session=True,  # Ctrl-C in the terminal reaches the starter alone, which then stops its jobs
            )
        assert self._process.stdin is not None
        self._leash = self._process.stdin

    def exit_code(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        if self._process.poll() is not None:
            self._leash.close()
        return self._process.returncode

    def stop(self) -> None:
        """End the process with SIGTERM."""
        self._leash.close()


class LocalExecutor:
    """Starts processes of this machine; `Resources.cpus` is not enforced."""

    def __init__(self, resources: Resources) -> None:
        if resources.options:
            raise ConfigError(f"--executor local takes no options: leave out {', '.join(resources.options)}.")

    def start(self, command: Sequence[str], name: str, log: Path) -> LocalJob:
        """Start a process."""
        return LocalJob(command, log)

    def close(self) -> None:
        """Do nothing: no resources are held."""


def run_command(command: Sequence[str], folder: str, log: str) -> int:
    """Run a process to its end in a folder and return its exit code.

    Clusters call this function on their machines. If the call is interrupted, the process is told to stop, and the call
    ends when the process has ended, even if it is interrupted again: Ray may repeat a request to cancel.
    """
    job = LocalJob(command, Path(log), Path(folder))
    try:
        return wait_for(job)
    finally:
        job.stop()
        _wait_through_interrupts(job)


def _wait_through_interrupts(job: LocalJob) -> None:
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            wait_for(job)
            return
