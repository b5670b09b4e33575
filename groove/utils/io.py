"""Files that are written all or nothing, and values as JSON."""

import contextlib
import json
import math
import os
import secrets
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from groove.utils.errors import ConfigError

CHECK = "check"
_DEEPEST = 50  # tables and lists of a TOML file within each other


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON, all or nothing; NaN and infinity become null."""
    write_atomically(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Return a value as readable JSON; NaN and infinity become null."""
    return (json.dumps(to_json(value), indent=2, allow_nan=False) + "\n").encode()


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text, whose numbers are finite float64 or int64.

    Raises:
      ValueError: if the text is not JSON, is nested too deeply to be read, or holds another number.
    """
    try:
        return json.loads(text, parse_constant=_refuse_number, parse_float=_finite_float, parse_int=_small_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text[:20]} is no finite number of 64 bits")


def _finite_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_number(text)


def _small_integer(text: str) -> int:
    digits = len(text.lstrip("-"))
    return int(text) if digits < 19 or (digits == 19 and abs(int(text)) < 2**63) else _refuse_number(text)


def with_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values with a last field "check", the CRC-32 of the others in any order, hexadecimal."""
    return {**values, CHECK: _checksum(values)}


def without_checksum(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values without their checksum, if they have one.

    Raises:
      ValueError: if the checksum is that of other values.
    """
    others = {name: value for name, value in values.items() if name != CHECK}
    if CHECK in values and values[CHECK] != _checksum(others):
        raise ValueError("another checksum")
    return others


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
      ValueError: if the text is not TOML, or is nested too deeply to be read.
    """
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return tables
    raise ValueError("nested too deeply")  # keys with many dots, which need no recursion


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by one with this content: a reader sees the old file or the new one, never a part.

    A new file has the permissions that the process's umask leaves.
    """
    write_all({path: content})


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Replace files by ones with these contents, all or none of them: nothing is replaced before all are written.

    Files have the permissions that the process's umask leaves.
    """
    with contextlib.ExitStack() as opened:
        written = []
        for path, content in contents.items():
            file, temporary = opened.enter_context(_temporary_beside(path))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            written.append((temporary, path))
        for temporary, path in written:
            os.replace(temporary, path)


def read_json(path: Path, remedy: str) -> Any:
    """Return the content of a JSON file.

    Args:
      path: the file.
      remedy: what a user can do if the file is missing or damaged.

    Raises:
      ConfigError: if the file is missing or damaged.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; {remedy}.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({one_line(error)}); {remedy}.") from None


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


def _checksum(values: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"


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
