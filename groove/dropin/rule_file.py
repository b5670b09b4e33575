"""Rule files: safetensors with the rule's configuration inside, and readable JSON beside it.

The header holds the format, "config", "names" (the keys of each array in the nested dict), "sha256", the checksum of
the arrays, and "sha256_about", the checksum of the texts "config" and "names".

This module does not import JAX, so that groove.torch works without JAX.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groove.utils.errors import GrooveError
from groove.utils.io import json_bytes, one_line, parse_json, to_json, write_all
from groove.utils.paths import PathLike, user_path
from groove.utils.tensor_file import content_digest, read_tensors, tensor_bytes

RULE_FORMAT = 1


class RuleFileError(GrooveError):
    """A rule file that cannot be written or read; the message is one line that names the file and the remedy."""


def save_rule(path: str | Path, eta: Any, config: Mapping[str, Any]) -> None:
    """Write a rule file, and its configuration as readable JSON beside it (same name, `.json`).

    Args:
      path: the file, ending in `.safetensors`; replaced at once if it exists.
      eta: the parameters, nested dicts and tuples of arrays.
      config: the configuration that builds the rule again, JSON-able.

    Raises:
      RuleFileError: if there are no arrays, two arrays have one name, or the file cannot be written.
    """
    try:
        write_all(rule_files(path, eta, config))
    except OSError as error:
        raise RuleFileError(f"{path} cannot be written: {one_line(error)}.") from error


def rule_files(path: str | Path, eta: Any, config: Mapping[str, Any]) -> dict[Path, bytes]:
    """Return the contents of the files that `save_rule` writes, by path.

    Raises:
      RuleFileError: if there are no arrays, or two arrays have one name.
    """
    path = Path(path)
    leaves = list(_flatten(eta))
    tensors = {"/".join(keys): np.asarray(leaf, order="C") for keys, leaf in leaves}
    if not tensors or len(tensors) < len(leaves):
        raise RuleFileError(
            f"{path} cannot be written: a rule is nested dicts or tuples of arrays with distinct names."
        )
    about = {
        "groove_rule_format": str(RULE_FORMAT),
        "config": json.dumps(to_json(config), sort_keys=True),
        "names": json.dumps(
            {"/".join(keys): keys for keys, _ in leaves}, sort_keys=True
        ),  # Haiku's names contain slashes, too
        "sha256": content_digest(tensors),
    }
    about["sha256_about"] = content_digest({}, about["config"], about["names"])
    shapes = {name: f"{tensor.dtype}{list(tensor.shape)}" for name, tensor in sorted(tensors.items())}
    readable = {"format": RULE_FORMAT, "config": config, "sha256": about["sha256"], "arrays": shapes}
    return {path: tensor_bytes(tensors, about), path.with_suffix(".json"): json_bytes(readable)}


def find_rule_file(name: PathLike) -> Path:
    """Return the file of a learned rule.

    Args:
      name: the name of a released rule, the directory of a run (its last rule), or a rule file; "~" is the home
        folder.

    Raises:
      RuleFileError: if there is no such rule; the message lists the released rules.
    """
    released = released_rules()
    if isinstance(name, str) and name in released:
        return released[name]
    path = user_path(name)
    if path.is_dir():
        return path / "rule.safetensors"
    if path.suffix == ".safetensors" or path.is_file():
        return path
    known = f"one of the released rules ({', '.join(released)}), " if released else ""
    raise RuleFileError(f'there is no rule "{name}": give {known}the directory of a run, or a .safetensors file.')


def released_rules() -> dict[str, Path]:
    """Return the rules that come with the package: name -> file."""
    folder = Path(__file__).parents[1] / "weights"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def fingerprint(eta: Any) -> str:
    """Return the SHA-256 of a rule's parameters with their names, shapes and types, hexadecimal."""
    return content_digest({"/".join(keys): np.asarray(leaf) for keys, leaf in _flatten(eta)})


def load_rule(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a rule that `save_rule` wrote, without running code from the file or starting the JAX backend.

    Returns:
      eta as a nested dict of NumPy arrays, and the configuration.

    Raises:
      RuleFileError: if the file is missing, truncated, altered, without a configuration, or of an unknown format, or
        if it holds numbers that are not finite.
    """
    tensors, about = _read_tensors(Path(path))
    version = about.get("groove_rule_format")
    if version != str(RULE_FORMAT):
        raise RuleFileError(
            f"{path} is not a rule file of format {RULE_FORMAT} but of {version or 'none'}: upgrade groove, or "
            "give another file."
        )
    try:
        config, names = parse_json(about["config"]), parse_json(about["names"])
        if not isinstance(config, dict):
            raise TypeError("its config is not a dict")
        eta = _unflatten({_keys(names, name): tensor for name, tensor in tensors.items()})
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RuleFileError(f"{path} lacks its config or names ({one_line(error)}): get it again.") from error
    told = content_digest({}, about["config"], about["names"])
    # files of groove 0.1 have no checksum of the settings
    if content_digest(tensors) != about.get("sha256") or about.get("sha256_about", told) != told:
        raise RuleFileError(f"{path} does not match its checksum, so it was altered: get it again.")
    _check_finite(Path(path), tensors)
    return eta, config


def _check_finite(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Refuse the rule of a run that came to nothing."""
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise RuleFileError(f"{path} holds numbers that are not finite, in {name}: take the rule of another run.")


def _keys(names: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the keys of an array in the nested dict; joined by slashes, they are the array's name."""
    keys = names[name]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or "/".join(keys) != name:
        raise TypeError(f"{keys!r:.40} are not the keys of {name:.40}")
    return tuple(keys)


def _read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    if not path.is_file():
        raise RuleFileError(f"{path} does not exist: give the path of a .safetensors file.")
    try:
        return read_tensors(path)
    except (OSError, ValueError) as error:
        reason = one_line(error)
        raise RuleFileError(f"{path} is truncated or no safetensors file ({reason}): get it again.") from error


def _flatten(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in _children(tree):
        if isinstance(value, Mapping | tuple):
            yield from _flatten(value, (*above, key))
        else:
            yield (*above, key), value


def _children(tree: Any) -> Iterable[tuple[str, Any]]:
    """Return the parts of a dict or a tuple, by the names that JAX gives them in the path of an array."""
    if isinstance(tree, Mapping):
        return tree.items()
    if hasattr(tree, "_asdict"):
        return tree._asdict().items()
    return ((str(index), part) for index, part in enumerate(tree))


def _unflatten(flat: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for (*above, last), value in flat.items():
        node = tree
        for key in above:
            node = node.setdefault(key, {})
        node[last] = value
    return tree
