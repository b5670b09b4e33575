"""Safetensors files whose bytes depend on their content alone, and checksums of the content."""

import hashlib
import json
from collections.abc import Mapping

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
