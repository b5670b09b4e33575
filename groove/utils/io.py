"""Files that are written all or nothing, and values as JSON."""

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON, all or nothing; NaN and infinity become null."""
    write_atomically(path, (json.dumps(to_json(value), indent=2, allow_nan=False) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one with this content: a reader sees the old file or the new one, never a part.

    A new file has the permissions that the process's umask leaves.
    """
    with _temporary_beside(path) as (file, temporary):
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        os.replace(temporary, path)


def to_json(value: Any) -> Any:
    """Return mappings, sequences, paths and arrays as values that JSON holds; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy and JAX
        return to_json(value.tolist())
    return str(value)


def one_line(error: BaseException, limit: int = 160) -> str:
    """Return the first line of an error's text, cut to a length that fits into another message.

    Args:
      error: the error.
      limit: characters.
    """
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if len(text) <= limit else text[: limit - 3] + "..."


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file in the folder of another file, and remove the new file if the block fails."""
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)  # the kernel applies the umask
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, temporary
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
