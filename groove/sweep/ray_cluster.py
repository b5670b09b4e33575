"""Tasks of a Ray cluster."""

import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groove.sweep.executor import LOST, Resources
from groove.sweep.local import run_command
from groove.utils.errors import ConfigError
from groove.utils.io import one_line

_OPTIONS = ("address", "namespace")
_REACH_SECONDS = 10.0


class RayJob:
    """A task of a Ray cluster."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray, self._reference = ray, reference

    def exit_code(self) -> int | None:
        """Return the exit code; None while the task waits or runs, LOST if its worker or machine is gone."""
        ready, _ = self._ray.wait([self._reference], timeout=0)
        if not ready:
            return None
        try:
            return int(self._ray.get(self._reference))
        except self._ray.exceptions.RayError:
            return LOST

    def stop(self) -> None:
        """Interrupt the task."""
        if self.exit_code() is None:
            self._ray.cancel(self._reference)


class RayExecutor:
    """Starts tasks on a Ray cluster: the one at the option `address`, or a cluster of this machine.

    The option `address` is HOST:PORT, or auto for the cluster that this machine is part of.
    """

    def __init__(self, resources: Resources) -> None:
        import ray

        options: dict[str, Any] = dict(resources.options or {})
        unknown = [name for name in options if name not in _OPTIONS]
        if unknown:
            raise ConfigError(f"--executor ray takes the options {' and '.join(_OPTIONS)}, not {', '.join(unknown)}.")
        try:
            _reach(options.get("address", "auto"))
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
        except (OSError, RuntimeError, ValueError) as error:
            where = options.get("address", "this machine")
            raise ConfigError(f"--executor ray: no cluster at {where} ({one_line(error)}).") from error
        self._ray = ray
        self._run, self._resources = ray.remote(run_command), resources

    def start(self, command: Sequence[str], name: str, log: Path) -> RayJob:
        """Start a task."""
        run = self._run.options(name=name, num_cpus=self._resources.cpus, num_gpus=self._resources.gpus, max_retries=0)
        return RayJob(self._ray, run.remote(list(command), os.getcwd(), str(log.absolute())))

    def close(self) -> None:
        """Leave the cluster."""
        self._ray.shutdown()


def _reach(address: str) -> None:
    """Raise OSError if nothing listens at HOST:PORT; Ray itself tries for ten minutes."""
    host, colon, port = address.rpartition(":")
    if colon and "://" not in address and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
