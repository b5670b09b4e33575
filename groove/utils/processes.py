"""One run in several processes, joined by JAX's distributed runtime: every process runs the same program.

Arrays of the run are spread over the devices of all processes. The first process alone writes files and shows the run.
Decisions that depend on one process, such as a request to stop, are agreed on before anybody acts.
"""

from typing import Any

import jax
import numpy as np

from groove.types import PyTree
from groove.utils.errors import GrooveError
from groove.utils.io import one_line

_PORT_DIGITS, _LAST_PORT = 5, 65535


def join(coordinator: str | None = None, count: int | None = None, index: int | None = None) -> None:
    """Join the processes of a run, before JAX's backend starts.

    Args:
      coordinator: HOST:PORT, where the first process listens. None to let JAX find all three arguments, which works
        under Slurm, Open MPI and Kubernetes and on TPUs.
      count: number of processes.
      index: number of this process, from 0.

    Raises:
      GrooveError: if only some arguments are given, one of them cannot work, or the processes do not find each other.
    """
    given = [argument is not None for argument in (coordinator, count, index)]
    if any(given) and not all(given):
        raise GrooveError(
            "give --coordinator, --processes and --process together, as in --coordinator=host:1234 --processes=2 "
            "--process=0, or none of them under Slurm, Open MPI, Kubernetes or on a TPU."
        )
    if count is not None and index is not None and not 0 <= index < count:
        raise GrooveError(f"--process = {index} must be between 0 and {count - 1}: there are --processes = {count}.")
    if coordinator is not None and not _is_address(coordinator):
        raise GrooveError(f'--coordinator = "{coordinator}" must be HOST:PORT, as in host:1234.')
    try:
        jax.distributed.initialize(coordinator, count, index)
    except (RuntimeError, ValueError) as error:
        raise GrooveError(
            f"the processes of this run did not find each other ({one_line(error)}): start all of them, with one "
            "--coordinator that all can reach."
        ) from error


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and len(port) <= _PORT_DIGITS and 0 < int(port) <= _LAST_PORT


def is_first() -> bool:
    """Return whether this process writes the files of the run and shows it."""
    return jax.process_index() == 0


def any_process(value: bool) -> bool:
    """Return whether the value is true in any process; all processes have to call this together."""
    if jax.process_count() == 1:
        return value
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.asarray(value))))


def of_first(value: float) -> float:
    """Return the first process's value; all processes have to call this together."""
    if jax.process_count() == 1:
        return value
    from jax.experimental import multihost_utils

    return float(multihost_utils.broadcast_one_to_all(np.asarray(value, np.float64)))


def wait_for_all(name: str) -> None:
    """Return when every process has arrived here; `name` says where, for messages."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(name)


def to_host(tree: PyTree) -> Any:
    """Return arrays as NumPy arrays, gathered from all processes; all processes have to call this together."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    from jax.experimental import multihost_utils

    def fetch(x: Any) -> Any:
        if not isinstance(x, jax.Array) or x.is_fully_addressable or x.is_fully_replicated:
            return np.asarray(x)
        return multihost_utils.process_allgather(x, tiled=True)

    return jax.tree.map(fetch, tree)
