"""Level sets as JSON to edit by hand: "about", "sizes", "levels" (the fields of GridLevel of each level), "scores"."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from groove.envs.gridworld.level_file import LevelSet, layout
from groove.envs.gridworld.levels import GridLevel, GridSizes
from groove.utils.errors import ConfigError
from groove.utils.io import to_json
from groove.utils.schema import complaint
from groove.utils.typed_fields import range_complaints

_LARGEST = float(np.finfo(np.float32).max)


def as_json(levels: LevelSet) -> dict[str, Any]:
    """Return a level set as values that JSON holds."""
    fields = {field.name: np.asarray(getattr(levels.levels, field.name)) for field in dataclasses.fields(GridLevel)}
    rows = [{name: to_json(values[i]) for name, values in fields.items()} for i in range(len(levels))]
    scores = [float(score) if np.isfinite(score) else None for score in levels.scores]
    return {"about": dict(levels.about), "sizes": dataclasses.asdict(levels.sizes), "levels": rows, "scores": scores}


def from_json(values: Any) -> LevelSet:
    """Return the level set of values as `as_json` returns them; `about` and single sizes may be missing.

    The cells and probabilities of the levels are not checked.

    Raises:
      ConfigError: on a missing or an unknown field, a value of another type or beyond its range, or lengths that do not
        fit the sizes.
    """
    if reason := complaint(_schema(), values, _names()):
        raise ConfigError(reason)
    sizes = GridSizes(**values["sizes"])
    if complaints := [*range_complaints(sizes, "sizes.")]:  # before anything of these sizes is allocated
        raise ConfigError(complaints[0].removesuffix("."))
    rows, scores = values["levels"], values["scores"]
    if len(scores) != len(rows):
        raise ConfigError(f"scores has {len(scores)} entries for {len(rows)} levels")
    wanted = layout(sizes)
    _check_lengths(rows, {name: x.shape[0] for name, x in wanted.items() if x.shape})
    arrays: dict[str, Any] = {name: np.asarray([row[name] for row in rows], x.dtype) for name, x in wanted.items()}
    numbers = np.asarray([np.nan if score is None else score for score in scores], np.float32)
    return LevelSet(GridLevel(**arrays), sizes, numbers, values.get("about", {}))


def _check_lengths(rows: list[Mapping[str, Any]], wanted: Mapping[str, int]) -> None:
    for i, row in enumerate(rows):
        for name, length in wanted.items():
            if len(row[name]) != length:
                of = "side x side" if name == "walls" else "objects"
                raise ConfigError(f"levels.{i}.{name} has {len(row[name])} entries, not {length} ({of})")


def _names() -> list[str]:
    """Return the names of all fields, which a misspelt one is compared with."""
    fields = (*dataclasses.fields(GridLevel), *dataclasses.fields(GridSizes))
    return ["about", "sizes", "levels", "scores", *(field.name for field in fields)]


@functools.cache
def _schema() -> Any:
    import pydantic  # slow to import

    closed: Any = pydantic.ConfigDict(extra="forbid")
    integer = Annotated[int, pydantic.Field(ge=-(2**31), lt=2**31)]
    number = Annotated[float, pydantic.Field(ge=-_LARGEST, le=_LARGEST)]  # infinity and NaN are refused, too
    kinds: Mapping[str, Any] = {"bool": bool, "int32": integer, "float32": number}
    fields: dict[str, Any] = {}
    for name, x in layout(GridSizes()).items():
        kind = kinds[str(x.dtype)]
        fields[name] = (list[kind] if x.shape else kind, ...)  # type: ignore[valid-type]  # as below
    sizes: dict[str, Any] = {f.name: (f.type, f.default) for f in dataclasses.fields(GridSizes)}
    level = pydantic.create_model("Level", __config__=closed, **fields)
    top: dict[str, Any] = {
        "about": (dict[str, Any], {}),
        "sizes": (pydantic.create_model("Sizes", __config__=closed, **sizes), ...),
        "levels": (list[level], ...),  # type: ignore[valid-type]  # made while the program runs
        "scores": (list[number | None], ...),
    }
    return pydantic.create_model("Levels", __config__=closed, **top)
