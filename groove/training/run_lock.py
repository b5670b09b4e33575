"""The lock of a run directory: one process at a time trains in it."""

import contextlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from groove.training.run_dir import RunError
from groove.utils.io import one_line, parse_json, write_json
from groove.utils.paths import writing

LOCK = ".lock"  # held by the operating system, which frees the lock when the process ends in any way
OWNER = ".owner.json"  # who took the lock last, for the message


@contextlib.contextmanager
def lock_run(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a run directory, which is made if it is missing.

    A lock whose process has ended is free, also if the process was killed.

    Args:
      path: the directory.
      wait: seconds to wait while another process holds the lock.

    Raises:
      RunError: if another process still holds the lock, named with its host, or the directory cannot be written.
    """
    lock = FileLock(path / LOCK, timeout=wait)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            f"{path} is in use by {_owner(path)}: wait until that run has ended, or stop it first."
        ) from error
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise RunError(f"{path} cannot be written ({reason}): choose another directory.") from error
    try:
        since = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        owner = {"process": os.getpid(), "host": socket.gethostname(), "since": since}
        with writing(path / OWNER, "Make room, or move the file away."):
            write_json(path / OWNER, owner)
        yield
    finally:
        lock.release()


def _owner(path: Path) -> str:
    try:
        owner = parse_json((path / OWNER).read_text(encoding="utf-8"))
        return f"process {owner['process']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
