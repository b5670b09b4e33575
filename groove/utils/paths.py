"""Paths that users give: read as they are written, and checked before any work begins."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeGuard, cast

from groove.utils.errors import ConfigError, GrooveError
from groove.utils.io import one_line
from groove.utils.text import shown

PathLike = str | os.PathLike[str]


_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes, on Linux


def user_path(path: Any, flag: str = "a path") -> Path:
    """Return a path with "~" replaced by the home folder.

    Args:
      path: the path, text or a path object.
      flag: the flag that gives the path, for the message.

    Raises:
      GrooveError: if the path is of another type or empty, there is no home folder, or no file can have such a name.
    """
    if not _is_name(path):
        raise GrooveError(f'{flag} must be a path, such as "runs/RUN", not {shown(path)}.')
    text = os.fspath(path)
    if not text:  # as of a variable of the shell that is not set
        raise GrooveError(f'{flag} is empty: give a path, such as "." for the folder that you are in.')
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # bytes that Python could not decode
        raise GrooveError(
            f"{text!r} cannot be written in this terminal's encoding: set PYTHONUTF8=1, or rename the folder."
        )
    if "\0" in text or any(len(os.fsencode(name)) > _LONGEST_NAME for name in Path(text).parts):
        raise GrooveError(f"{text[:40]!r}... is no path: names have at most {_LONGEST_NAME} bytes, and no NUL.")
    if len(os.fsencode(text)) > _LONGEST_PATH:
        raise GrooveError(f"{text[:40]!r}... is no path: paths have at most {_LONGEST_PATH} bytes.")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise GrooveError(f'there is no home folder for "{path}": write the path without "~".') from error


def names_of(names: Any, flag: str) -> list[str]:
    """Return one name or path, or several, as a list of texts.

    Args:
      names: a text, a path object, or several of them.
      flag: the flag that gives the names, for the message.

    Raises:
      ConfigError: if a name is of another type.
    """
    if not _is_name(names) and (isinstance(names, bytes | Mapping) or not isinstance(names, Iterable)):
        raise ConfigError(f"{flag} must be a name, or a list of names, not {shown(names)}.")
    each: list[Any] = [names] if _is_name(names) else list(cast("Iterable[Any]", names))
    for name in each:
        if not _is_name(name):
            raise ConfigError(f"{flag} lists {shown(name)}, which is no name: list texts or paths.")
    return [os.fspath(name) for name in each]


def name_of(name: Any, flag: str) -> str:
    """Return a name or path as text; only one is taken.

    Args:
      name: a text or a path object.
      flag: the flag that gives the name, for the message.

    Raises:
      ConfigError: if there are several, or the name is of another type.
    """
    if not _is_name(name):
        raise ConfigError(f"{flag} must be one name or path, not {shown(name)}.")
    return os.fspath(name)


def rejoin_paths(words: Sequence[str]) -> list[str]:
    """Return words that were separated by commas, but join those that together are PATH or LABEL=PATH of a path.

    The run of a mixture has commas in the name of its folder, as in "runs/dr=0.5,mazes=0.5-laptop-0".
    """
    paths, start = [], 0
    while start < len(words):
        end = next((end for end in range(len(words), start + 1, -1) if _is_path(",".join(words[start:end]))), start + 1)
        paths.append(",".join(words[start:end]))
        start = end
    return paths


def check_folder(folder: Path, flag: str) -> None:
    """Check that files can be written to a folder, which need not exist; nothing is left behind.

    Args:
      folder: the folder.
      flag: the flag that gives the folder, for the message.

    Raises:
      GrooveError: if the folder cannot be written.
    """
    try:
        nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if _exists(parent))
        if not nearest.is_dir():
            raise NotADirectoryError(f"{nearest} is not a folder")
        _try_to_write(nearest)
    except OSError as error:
        raise GrooveError(f"{folder} cannot be written: {one_line(error)}; choose another {flag}.") from error


def _try_to_write(folder: Path) -> None:
    """Write a file to a folder and remove it; an error names the folder instead of the file."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"no file can be made in {folder} ({error.strerror or one_line(error)})") from error


def refuse_other_results(folder: Path, file: str, kind: str) -> None:
    """Refuse a folder that holds results of another kind, some of which would be overwritten.

    Args:
      folder: which need not exist.
      file: name of a file that only results of that kind have.
      kind: its name, for the message.

    Raises:
      GrooveError: if the file exists.
    """
    if (folder / file).exists():
        raise GrooveError(f"{folder} holds the results of a {kind}, which would be overwritten: choose another --to.")


def check_file(path: Path, flag: str) -> None:
    """Check that a file can be written, in a folder that exists; nothing is left behind.

    Args:
      path: the file, which need not exist.
      flag: the flag that gives the file, for the message.

    Raises:
      GrooveError: if the file cannot be written.
    """
    if path.is_dir():
        raise GrooveError(f"{path} is a folder; give {flag} the name of a file.")
    if not path.parent.is_dir():
        raise GrooveError(f"the folder {path.parent} does not exist; make it, or choose another {flag}.")
    check_folder(path.parent, flag)


@contextmanager
def writing(path: Path, remedy: str) -> Iterator[None]:
    """Turn an operating-system error inside the block into a GrooveError.

    Args:
      path: the file or folder that the block writes.
      remedy: a sentence that says what to do.
    """
    try:
        yield
    except OSError as error:
        raise GrooveError(f"{path} cannot be written: {one_line(error)}. {remedy}") from error


def _exists(path: Path) -> bool:
    """Return whether a path exists, be it a link to nothing; raise OSError if it could never exist."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_name(value: Any) -> TypeGuard[PathLike]:
    return isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str))


def _is_path(text: str) -> bool:
    """Return whether the text is the path of a file or folder, or LABEL=PATH of one; a label holds no comma."""
    label, _, labelled = text.partition("=")
    paths = (text,) if "," in label else (text, labelled)
    return any(os.path.exists(os.path.expanduser(path)) for path in paths)
