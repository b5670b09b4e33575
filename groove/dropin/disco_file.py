"""The published weights of Disco103, which users get themselves: reading them, and the name disco103=PATH.

This module does not import JAX, so that groove.torch works without JAX.
"""

import zipfile

import numpy as np

from groove.lpg.disco import NAME
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.io import one_line
from groove.utils.paths import PathLike, user_path

_LARGEST = 64 * 2**20  # bytes

HOW = f"{NAME}=PATH, the path of disco_103.npz from github.com/google-deepmind/disco_rl"


def weights_path(name: PathLike) -> str | None:
    """Return PATH of the name disco103=PATH; None for the names of other rules."""
    head, equals, path = str(name).partition("=")
    return path if head == NAME and equals else None


def refuse_without_weights(name: PathLike) -> None:
    """Refuse the name of the rule alone, unless a file has this name.

    Raises:
      ConfigError: that says how to name the weights.
    """
    if str(name) == NAME and not user_path(name).exists():
        raise ConfigError(f"{NAME} lacks its weights: write {HOW}.")


def read_arrays(path: PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name; no code from the file is run.

    Args:
      path: the file; "~" is the home folder.

    Raises:
      GrooveError: if the file is missing or is no .npz file.
    """
    file = user_path(path, f"{NAME}=")
    if not file.is_file():
        raise GrooveError(f"there are no weights of {NAME} at {file}: write {HOW}.")
    try:
        with file.open("rb") as stream:
            with zipfile.ZipFile(stream) as packed:
                size = sum(part.file_size for part in packed.infolist())
            if size > _LARGEST:
                raise ValueError(f"it unpacks to {size / 2**20:,.0f} MiB, and the published weights to 3")
            stream.seek(0)
            found = np.load(stream, allow_pickle=False)
            return {name: found[name] for name in found.files}
    except MemoryError as error:
        raise GrooveError(f"{file} does not fit into the memory of this machine: write {HOW}.") from error
    except Exception as error:  # damaged archives and headers make zipfile and NumPy raise errors of many types
        raise GrooveError(f"{file} is no .npz file ({one_line(error)}): write {HOW}.") from error
