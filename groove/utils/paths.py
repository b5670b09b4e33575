"""Paths that users give."""

import os
from pathlib import Path

from groove.utils.errors import GrooveError

PathLike = str | os.PathLike[str]


def user_path(path: PathLike) -> Path:
    """Return a path with "~" replaced by the home folder.

    Raises:
      GrooveError: if there is no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise GrooveError(f'there is no home folder for "{path}": write the path without "~".') from error
