"""The interface of executors, which start the processes of sweeps and figures, and their registry."""

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from groove.sweep.tether import KILLED
from groove.utils.errors import ConfigError

LOST = KILLED + 9  # exit code of a process whose machine or worker is gone
_SIGNALS = 64  # more than there are
_POLL_SECONDS = 0.1


class Job(Protocol):
    """A process that was started."""

    def exit_code(self) -> int | None:
        """Return the exit code; None while the process waits or runs, LOST if it or its machine was killed."""

    def stop(self) -> None:
        """Ask the process to save and end; it has ended when `exit_code` is no longer None."""


class Executor(Protocol):
    """Starts processes, here or elsewhere. All machines share the files and the Python environment."""

    def start(self, command: Sequence[str], name: str, log: Path) -> Job:
        """Start a process in the working directory of the caller.

        Args:
          command: its command line.
          name: what it does, for the displays of clusters.
          log: file that receives its output; what the file holds is kept.
        """

    def close(self) -> None:
        """Leave the machines; all jobs have ended before."""


@dataclass(frozen=True)
class Resources:
    """The resources of every process.

    Attributes:
      cpus: CPU cores.
      gpus: GPUs.
      options: settings of the executor by name, as text; docs/scale.md lists them.
    """

    cpus: int = 1
    gpus: int = 0
    options: Mapping[str, str] | None = None


_HOMES = {  # name -> module and factory, imported when it is used
    "local": ("groove.sweep.local", "LocalExecutor"),
    "ray": ("groove.sweep.ray_cluster", "RayExecutor"),
    "slurm": ("groove.sweep.slurm", "SlurmExecutor"),
}
EXECUTORS = tuple(_HOMES)


def make_executor(name: str, resources: Resources) -> Executor:
    """Build an executor.

    Raises:
      ConfigError: if its library is not installed, or it does not take an option.
    """
    module, factory = _HOMES[name]
    make: Callable[[Resources], Executor] = getattr(importlib.import_module(module), factory)
    try:
        return make(resources)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--executor {name} needs {error.name}, which is not installed: pip install 'groove-rl[cluster]'."
        ) from error


def wait_for(job: Job) -> int:
    """Return the exit code of a job once it has ended."""
    while (code := job.exit_code()) is None:
        time.sleep(_POLL_SECONDS)  # Ray interrupts Python code, but no system call that waits
    return code


def was_killed(exit_code: int) -> bool:
    """Return whether a process died of a signal, by its exit code."""
    return exit_code < 0 or KILLED < exit_code < KILLED + _SIGNALS
