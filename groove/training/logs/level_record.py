"""The record of a run: features and returns of the levels that it trained on, a uniform sample of bounded size.

The file is safetensors: "step" i32[n], "place" f64[n], "returns" f32[n, 2] and "features" f32[n, F]. Its header holds
"groove_level_record_format", "names" (of the features, as JSON) and "sha256", the checksum of the arrays and the names.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from groove.meta.level_record import RETURNS
from groove.utils.errors import GrooveError
from groove.utils.io import one_line, parse_json, write_atomically
from groove.utils.tensor_file import content_digest, read_tensors, tensor_bytes

FORMAT = "1"
_ARRAYS = {"step": np.int32, "place": np.float64, "returns": np.float32, "features": np.float32}
_VERSION, _NAMES, _CHECKSUM = "groove_level_record_format", "names", "sha256"


class LevelRecordError(GrooveError):
    """A record that cannot be read; the message is one line that says what to do."""


@dataclass(frozen=True)
class LevelRecord:
    """A sample of the lifetimes that ended in a run, in the order of their ends.

    A lifetime has a random place in [0, 1), which depends on the seed of the run, the meta-step and the row alone. The
    record keeps the lifetimes with the smallest places, which is a uniform sample of all so far. A lifetime that was
    left out never comes back, so that a run that is resumed from a checkpoint comes to the record of the uninterrupted
    run.

    Attributes:
      names: of the F features.
      step: meta-steps done at the end of the lifetime, i32[n].
      place: f64[n].
      returns: mean returns at the end of the student and of the antagonist, f32[n, 2].
      features: of the level, f32[n, F]; NaN where a feature is undefined.
    """

    names: tuple[str, ...]
    step: npt.NDArray[np.int32]
    place: npt.NDArray[np.float64]
    returns: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]

    @classmethod
    def empty(cls, names: Sequence[str]) -> Self:
        """Return a record without lifetimes."""
        widths = _widths(len(names))
        arrays: dict[str, Any] = {name: np.zeros((0, *widths[name]), kind) for name, kind in _ARRAYS.items()}
        return cls(tuple(names), **arrays)

    def __len__(self) -> int:
        return len(self.step)

    def add(self, rows: npt.NDArray[np.float32], before: int, seed: int, most: int) -> Self:
        """Return the record after some meta-steps.

        Args:
          rows: the records of n meta-steps, f32[n, R, columns], as `groove.meta.level_record` makes them.
          before: meta-steps done before these.
          seed: of the run.
          most: lifetimes to keep.
        """
        at, row = np.nonzero(np.isfinite(rows[:, :, : len(RETURNS)]).all(2))
        places = [np.random.default_rng((seed, before + i)).random(rows.shape[1]) for i in range(len(rows))]
        new = rows[at, row]
        joined = dataclasses.replace(
            self,
            step=np.concatenate([self.step, (before + 1 + at).astype(np.int32)]),
            place=np.concatenate([self.place, np.reshape(places, rows.shape[:2])[at, row]]),
            returns=np.concatenate([self.returns, new[:, : len(RETURNS)]]),
            features=np.concatenate([self.features, new[:, len(RETURNS) :]]),
        )
        return joined._rows(np.sort(np.argsort(joined.place, kind="stable")[:most]))

    def until(self, step: int) -> Self:
        """Return the lifetimes that ended within the first `step` meta-steps."""
        return self._rows(np.flatnonzero(self.step <= step))

    def regret(self) -> npt.NDArray[np.float32]:
        """Return the algorithmic regret of each lifetime: the antagonist's return minus the student's, f32[n]."""
        return self.returns[:, 1] - self.returns[:, 0]

    def save(self, path: Path) -> None:
        """Write the record, all or nothing."""
        names = json.dumps(self.names)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        about = {_VERSION: FORMAT, _NAMES: names, _CHECKSUM: content_digest(arrays, names)}
        write_atomically(path, tensor_bytes(arrays, about))

    def _rows(self, index: npt.NDArray[np.intp]) -> Self:
        return dataclasses.replace(self, **{name: getattr(self, name)[index] for name in _ARRAYS})


def load_level_record(path: Path) -> LevelRecord:
    """Read a record; no code of the file runs.

    Raises:
      LevelRecordError: if the file is missing, damaged, altered, or of a later version.
    """
    try:
        tensors, about = read_tensors(path)
        if about.get(_VERSION) != FORMAT:
            raise ValueError(f"format {about.get(_VERSION)}, not {FORMAT}")
        names = parse_json(about[_NAMES])
        arrays: dict[str, Any] = {name: tensors[name] for name in _ARRAYS}
        if about.get(_CHECKSUM) != content_digest(arrays, about[_NAMES]):
            raise ValueError("the checksum does not match")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("the names of the features are missing")
        _check_shapes(arrays, len(names))
    except (OSError, LookupError, ValueError) as error:
        raise LevelRecordError(
            f"{path} cannot be read as a record of levels ({one_line(error)}): restore it from a copy, or remove it; a "
            "run that goes on then begins a new record."
        ) from error
    return LevelRecord(tuple(names), **arrays)


def _widths(features: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array, without the axis over lifetimes."""
    return {"step": (), "place": (), "returns": (len(RETURNS),), "features": (features,)}


def _check_shapes(arrays: dict[str, Any], width: int) -> None:
    count, widths = arrays["step"].size, _widths(width)
    for name, kind in _ARRAYS.items():
        if arrays[name].dtype != kind or arrays[name].shape != (count, *widths[name]):
            raise ValueError(f"{name} has another type or shape")
    if not all(np.isfinite(arrays[name]).all() for name in ("place", "returns")):
        raise ValueError("there are places or returns that are not finite")
