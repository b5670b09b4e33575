"""A search on disk: all levels that were evaluated, so that a stopped search goes on where it stopped.

The file is safetensors: the fields of GridLevel and "returns", each with an axis over levels, and a header with
"search", the settings as JSON, and "sha256", the checksum of both.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groove.envs.gridworld.levels import GridLevel
from groove.utils.errors import ConfigError
from groove.utils.io import one_line, parse_json, write_atomically
from groove.utils.tensor_file import content_digest, read_tensors, tensor_bytes

_FIELDS = tuple(field.name for field in dataclasses.fields(GridLevel))
_SETTINGS, _RETURNS, _CHECKSUM = "search", "returns", "sha256"


def save_search(path: Path, levels: Any, returns: np.ndarray, settings: Mapping[str, Any]) -> None:
    """Write the levels and their returns, f64[rules, n], with the settings of the search as JSON values."""
    arrays = {name: np.asarray(getattr(levels, name), order="C") for name in _FIELDS}
    arrays[_RETURNS], text = np.asarray(returns, order="C"), _text(settings)
    header = {_SETTINGS: text, _CHECKSUM: content_digest(arrays, text)}
    write_atomically(path, tensor_bytes(arrays, header))


def load_search(path: Path, settings: Mapping[str, Any]) -> tuple[GridLevel, np.ndarray] | None:
    """Return the levels and returns of an earlier call; None if there was none.

    Args:
      path: the file of `save_search`.
      settings: the settings of this call.

    Raises:
      ConfigError: if the file is damaged, or belongs to a search with other settings.
    """
    if not path.exists():
        return None
    remedy = "choose another --to, or delete the file to begin again"
    try:
        tensors, header = read_tensors(path)
        stored = parse_json(header[_SETTINGS])
        arrays: dict[str, Any] = {name: tensors[name] for name in (*_FIELDS, _RETURNS)}
    except (OSError, LookupError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a search ({one_line(error)}); {remedy}.") from error
    if header.get(_CHECKSUM) != content_digest(arrays, header[_SETTINGS]):
        raise ConfigError(f"{path} does not match its checksum, so it was altered; {remedy}.")
    now = json.loads(_text(settings))
    if stored != now:
        stored = stored if isinstance(stored, dict) else {}
        name = next((name for name in now if stored.get(name) != now[name]), "setting")
        raise ConfigError(
            f"{path} holds a search with {name} = {stored.get(name)}, not {now.get(name)}: give the same settings to "
            f"go on, or {remedy}."
        )
    returns = arrays.pop(_RETURNS)
    return GridLevel(**arrays), returns


def _text(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
