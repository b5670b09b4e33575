"""Sets of gridworld levels as safetensors files. Loading runs no code.

Format 2: the header holds "groove_levels_format" = "2" and "about", a JSON object with "sizes" (side, objects,
diagonal) and any other entries of the writer, and "sha256", the checksum of both, which files of groove 0.1 lack. The
arrays are the fields of GridLevel, each with a leading axis over
levels, and optionally "score", f32 [levels], NaN for levels without a score. Files of format 1 lack "step_reward",
which is zero.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, check_level, sample_level
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, parse_json, write_atomically
from groove.utils.paths import user_path
from groove.utils.tensor_file import content_digest, read_tensors, tensor_bytes
from groove.utils.typed_fields import from_dict, range_complaints, to_dict

LEVELS_FORMAT = 2
_DIGITS = 12  # of digests, hexadecimal
_MISSING = "{} does not exist; make level sets with launch/levels.py export."
_FIELDS = tuple(field.name for field in dataclasses.fields(GridLevel))


class LevelFileError(GrooveError):
    """A file of levels that cannot be written or read; the message is one line that says what to do."""


@dataclass(frozen=True)
class LevelSet:
    """A set of n levels that share their static sizes.

    Attributes:
      levels: the levels, leaves [n, ...].
      sizes: static sizes of the levels.
      scores: f32 [n], NaN where unknown.
      about: the origin of the levels, as JSON values.
    """

    levels: GridLevel
    sizes: GridSizes
    scores: npt.NDArray[np.float32]
    about: Mapping[str, Any]

    def __len__(self) -> int:
        return int(self.levels.size.shape[0])

    def take(self, which: npt.ArrayLike) -> "LevelSet":
        """Return the levels at these indices, in this order."""
        index = np.asarray(which, int)
        levels = jax.tree.map(lambda x: np.asarray(x)[index], self.levels)
        return dataclasses.replace(self, levels=levels, scores=self.scores[index])


def save_levels(path: str | Path, level_set: LevelSet) -> None:
    """Write a level set to a file.

    Raises:
      LevelFileError: if the set is empty or holds a level that the dynamics would misread, or if the file cannot be
        written.
    """
    path = user_path(path)
    check_level_set(path, level_set)
    arrays = {name: np.asarray(getattr(level_set.levels, name), order="C") for name in _FIELDS}
    arrays["score"] = np.asarray(level_set.scores, np.float32)
    about = {**level_set.about, "sizes": dataclasses.asdict(level_set.sizes)}
    header = {"groove_levels_format": str(LEVELS_FORMAT), "about": json.dumps(about, sort_keys=True)}
    header["sha256"] = content_digest(arrays, header["about"])
    try:
        write_atomically(path, tensor_bytes(arrays, header))
    except OSError as error:
        raise LevelFileError(f"{path} cannot be written: {one_line(error)}.") from error


def pinned(name: str) -> str:
    """Return PATH#DIGEST, the absolute path of a level file and the digest of its content.

    A run records this name, so that it is never resumed with other levels.

    Args:
      name: PATH or PATH#DIGEST.

    Raises:
      LevelFileError: if the file cannot be read, or if its content has another digest.
    """
    path = _find(name)
    return f"{path.absolute()}#{_digest(path)}"


def without_place(curriculum: str) -> str:
    """Remove the folders from the pinned level files in a curriculum's name; results record this form."""
    return re.sub(r"set:(?:(?!#[0-9a-f]{12}).)*/(?=[^/]+?#[0-9a-f]{12})", "set:", curriculum)


def without_file(curriculum: str) -> str:
    """Remove the paths of the pinned level files in a curriculum's name, whose digests say which levels they hold."""
    return re.sub(r"set:(?:(?!#[0-9a-f]{12}).)*(?=#[0-9a-f]{12})", "set:", curriculum)


def _find(name: str | Path) -> Path:
    """Return the path of the file PATH or PATH#DIGEST, after checking its digest."""
    match = re.fullmatch(rf"(.+)#([0-9a-f]{{{_DIGITS}}})", str(name))
    path = user_path(match[1] if match else name)
    if match and not path.exists():
        raise LevelFileError(
            f"{path} does not exist: put the file back, or, if it moved, name its new place when the run is resumed, "
            "as in --curriculum ar@set:PATH."
        )
    if match and match[2] not in ((today := _digest(path)), _file_digest(path)):
        raise LevelFileError(
            f"{path} is not the level set it was: its content has digest {today}, not {match[2]}. Restore the file, or "
            "give its name without a digest to use its present content."
        )
    return path


def _digest(path: Path) -> str:
    """Return a digest of the levels in a file; how they were made, and their scores, do not count."""
    level_set = _load(path)
    digest = hashlib.sha256(json.dumps(dataclasses.asdict(level_set.sizes), sort_keys=True).encode())
    for name in _FIELDS:
        array = np.asarray(getattr(level_set.levels, name), order="C")
        digest.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()[:_DIGITS]


def _file_digest(path: Path) -> str:
    """Return the digest of the bytes of a file, which earlier versions recorded."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def load_levels(path: str | Path) -> LevelSet:
    """Read a level set that `save_levels` wrote, and check every level in it.

    Args:
      path: PATH or PATH#DIGEST.

    Raises:
      LevelFileError: if the file is missing, damaged, of another format, or holds a level that the dynamics would
        misread.
    """
    return _load(_find(path))


def _load(path: Path) -> LevelSet:
    header, arrays = _read(path)
    try:
        about = parse_json(header["about"])
        sizes = _sizes(about.pop("sizes"))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise LevelFileError(f"{path} does not say the sizes of its levels; export the levels again.") from error
    scores = arrays.get("score", np.full(len(arrays["size"]), np.nan, np.float32))
    level_set = LevelSet(GridLevel(**{name: arrays[name] for name in _FIELDS}), sizes, scores, about)
    check_level_set(path, level_set)
    return level_set


def _sizes(stored: Mapping[str, Any]) -> GridSizes:
    """Return the sizes in a header, each of its own type and in its range."""
    sizes = from_dict(GridSizes(), {name: stored[name] for name in to_dict(GridSizes())})
    if complaints := [*range_complaints(sizes)]:
        raise ValueError(complaints[0])
    return sizes


def _read(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Read the header and the arrays of a level file, of format 2 or brought to it."""
    arrays: dict[str, Any]
    try:
        arrays, header = read_tensors(path)
    except FileNotFoundError as error:
        raise LevelFileError(_MISSING.format(path)) from error
    except (OSError, ValueError) as error:
        raise LevelFileError(f"{path} cannot be read as a level set: {one_line(error)}.") from error
    stated = header.get("groove_levels_format")
    if "size" in arrays and not np.ndim(arrays["size"]):
        raise LevelFileError(f"{path}: size has no axis over levels; export the levels again.")
    if stated == "1" and "size" in arrays:
        arrays.setdefault("step_reward", np.zeros(len(arrays["size"]), np.float32))
    elif stated != str(LEVELS_FORMAT):
        raise LevelFileError(
            f"{path} is not a level set of format {LEVELS_FORMAT} (its header says {stated}); make level sets with "
            "launch/levels.py export."
        )
    missing = [name for name in _FIELDS if name not in arrays]
    if missing:
        raise LevelFileError(f"{path} lacks {', '.join(missing)}; export the levels again.")
    if "sha256" in header and header["sha256"] != content_digest(arrays, header.get("about", "")):
        raise LevelFileError(f"{path} does not match its checksum, so it was altered; export the levels again.")
    return header, arrays


def resize(level_set: LevelSet, sizes: GridSizes) -> GridLevel:
    """Return the levels of a set on a larger padded grid and with room for more objects, as jax arrays [n, ...].

    Raises:
      LevelFileError: if `sizes` does not hold the levels.
    """
    own = level_set.sizes
    if own.side > sizes.side or own.objects > sizes.objects:
        raise LevelFileError(
            f"the levels have side {own.side} and {own.objects} objects, more than side {sizes.side} and "
            f"{sizes.objects} objects; raise sizes.side and sizes.objects."
        )
    levels: Any = jax.tree.map(np.asarray, level_set.levels)
    grown = sizes.side - own.side
    walls = levels.walls.reshape(-1, own.side, own.side)
    walls = np.pad(walls, ((0, 0), (0, grown), (0, grown)), constant_values=True)

    def move_cell(old: Any) -> Any:
        return np.where(old < 0, -1, old // own.side * sizes.side + old % own.side).astype(np.int32)

    def pad_objects(old: Any, fill: float) -> Any:
        return np.pad(old, ((0, 0), (0, sizes.objects - own.objects)), constant_values=fill)

    larger = dataclasses.replace(
        levels,
        walls=walls.reshape(len(walls), -1),
        start=move_cell(levels.start),
        object_cell=pad_objects(move_cell(levels.object_cell), -1),
        object_reward=pad_objects(levels.object_reward, 0.0),
        p_terminate=pad_objects(levels.p_terminate, 0.0),
        p_respawn=pad_objects(levels.p_respawn, 0.0),
    )
    return jax.tree.map(jnp.asarray, larger)


def layout(sizes: GridSizes) -> dict[str, jax.ShapeDtypeStruct]:
    """Return the shape and type of every field of a level of these sizes."""
    smallest = LevelDistribution(min_size=3, max_size=3, max_objects=1)  # fits into any sizes
    level = jax.eval_shape(lambda key: sample_level(key, smallest, sizes), jax.random.key(0))
    return {name: getattr(level, name) for name in _FIELDS}


def check_level_set(path: Path, level_set: LevelSet) -> None:
    """Refuse a level set that is empty, or whose arrays or levels the dynamics would misread.

    Args:
      path: the file that holds the levels or shall hold them, for messages.
      level_set: the levels.

    Raises:
      LevelFileError: naming the field and the level.
    """
    count = len(level_set.levels.size)
    if not count:
        raise LevelFileError(f"{path}: a level set needs at least one level, but this set is empty.")
    for name, expected in layout(level_set.sizes).items():
        array = np.asarray(getattr(level_set.levels, name))
        if array.shape != (count, *expected.shape) or array.dtype != expected.dtype:
            raise LevelFileError(
                f"{path}: {name} is {array.dtype}{list(array.shape)}, not {expected.dtype}{[count, *expected.shape]}; "
                "export the levels again."
            )
    if np.shape(level_set.scores) != (count,):
        raise LevelFileError(f"{path}: score does not have {count} rows; export the levels again.")
    for i in range(count):
        try:
            check_level(jax.tree.map(lambda x, i=i: np.asarray(x)[i], level_set.levels), level_set.sizes)
        except GrooveError as error:
            raise LevelFileError(f"{path}, level {i}: {error}") from error
