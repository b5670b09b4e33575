"""Jobs of Slurm, by submitit."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from groove.sweep.executor import LOST, Resources
from groove.sweep.local import run_command
from groove.utils.errors import ConfigError
from groove.utils.io import one_line

_DIGITS = 20  # of a number; longer ones are names
_NUMBERS: dict[str, Callable[[str], float]] = {  # options of all clusters that take a number -> how it is read
    "timeout_min": int,
    "mem_gb": float,
    "nodes": int,
    "tasks_per_node": int,
    "cpus_per_task": int,
}


class SlurmJob:
    """A job of Slurm."""

    def __init__(self, job: Any) -> None:
        self._job = job

    def exit_code(self) -> int | None:
        """Return the exit code; None while the job waits or runs, LOST if it left no result."""
        if not self._job.done():
            return None
        try:
            return int(self._job.result())
        except Exception:  # submitit's errors of many kinds: killed, timed out, preempted
            return LOST

    def stop(self) -> None:
        """Cancel the job."""
        if not self._job.done():
            self._job.cancel(check=False)


class SlurmExecutor:
    """Submits jobs to Slurm.

    Options are submitit's parameters, such as `timeout_min`, `mem_gb` or `slurm_partition`, and two more: `folder` of
    submitit's own files, and `cluster`: slurm, or local for processes of this machine, to try things out.
    """

    def __init__(self, resources: Resources) -> None:
        import submitit

        options: dict[str, Any] = dict(resources.options or {})
        folder, cluster = options.pop("folder", ".submitit"), options.pop("cluster", "slurm")
        options = {name: _read_option(name, value) for name, value in options.items()}
        usual = {"cpus_per_task": resources.cpus, "gpus_per_node": resources.gpus}
        try:
            self._executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
            self._executor.update_parameters(**{**usual, **options})
        except (NameError, RuntimeError, ValueError, TypeError, AssertionError) as error:
            # an unknown option, a value of another type, or a machine without Slurm
            raise ConfigError(f"--executor slurm: {one_line(error)}") from error

    def start(self, command: Sequence[str], name: str, log: Path) -> SlurmJob:
        """Submit a job."""
        self._executor.update_parameters(name=name)
        return SlurmJob(self._executor.submit(run_command, list(command), os.getcwd(), str(log.absolute())))

    def close(self) -> None:
        """Do nothing: no resources are held."""


def _read_option(name: str, text: str) -> Any:
    """Return the value of an option, as submitit expects it.

    Raises:
      ConfigError: if the option takes a number and the text is none.
    """
    read = _NUMBERS.get(name.removeprefix("slurm_"))
    if read is None:
        return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else text
    try:
        number = read(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        kind = "a whole number" if read is int else "a number"
        raise ConfigError(f'--executor slurm: --option {name} takes {kind} above 0, as in {name}=60, not "{text}".')
    return number
