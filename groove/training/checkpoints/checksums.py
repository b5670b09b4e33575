"""Checksums of the files of a folder, to notice damage."""

import zlib
from pathlib import Path

from groove.utils.errors import GrooveError
from groove.utils.io import one_line, parse_json, write_json

CHECKSUMS = "checksums.json"


class DamageError(GrooveError):
    """A file that is missing, truncated or altered.

    Attributes:
      path: the file.
      reason: in words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is damaged ({reason}).")
        self.path, self.reason = path, reason


def seal(folder: Path) -> None:
    """Write the checksums of all files of a folder into the folder."""
    names = (file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    relative = sorted(str(file.relative_to(folder)) for file in names)
    write_json(folder / CHECKSUMS, {name: _checksum(folder / name) for name in relative})


def is_sealed(folder: Path) -> bool:
    """Return whether a folder has checksums."""
    return (folder / CHECKSUMS).exists()


def verify(folder: Path) -> None:
    """Compare the files of a sealed folder with their checksums.

    Raises:
      DamageError: if a file is missing or differs, or the checksums cannot be read.
    """
    try:
        expected = parse_json((folder / CHECKSUMS).read_text(encoding="utf-8"))
        damaged = [name for name, checksum in expected.items() if _checksum(folder / name) != checksum]
    except (OSError, ValueError, AttributeError) as error:
        raise DamageError(folder / CHECKSUMS, one_line(error)) from error
    if damaged:
        raise DamageError(folder / damaged[0], "it is missing, truncated or altered")


def _checksum(path: Path) -> int | None:
    return zlib.crc32(path.read_bytes()) if path.is_file() else None
