"""Safetensors files whose bytes depend on their content alone, and checksums of the content."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_ALIGNMENT = 8  # bytes


def tensor_bytes(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Return tensors and metadata in the format of safetensors, with sorted names.

    The library writes the metadata in random order, so that equal files differ.

    Args:
      tensors: name -> array.
      metadata: name -> text.
    """
    from safetensors.numpy import save

    data = save(dict(sorted(tensors.items())), metadata=dict(metadata))
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the tensors and the metadata of a safetensors file; no code of the file runs.

    Args:
      path: the file.

    Raises:
      OSError: if the file is missing or cannot be read.
      ValueError: if the file is damaged, or holds numbers of a type that NumPy lacks.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except (AttributeError, TypeError) as error:  # such as F8_E4M3 and BF16
        raise ValueError(f"it holds numbers of a type that NumPy lacks: {error}") from error


def content_digest(tensors: Mapping[str, np.ndarray], *texts: str) -> str:
    """Return the SHA-256 of tensors with their names, shapes and types, and of texts, hexadecimal.

    Args:
      tensors: name -> array.
      texts: such as metadata.
    """
    digest = hashlib.sha256(json.dumps(texts).encode() if texts else b"")
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape} ".encode() + tensor.tobytes())
    return digest.hexdigest()
