"""Sweep files: which curricula, settings and meta-seeds are trained, in TOML."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from groove.sweep.steps import MetaTraining
from groove.training.presets import PRESETS
from groove.utils.errors import ConfigError, unknown_name
from groove.utils.io import one_line
from groove.utils.typed_fields import flatten

_KEYS = ("config", "curricula", "seeds", "set", "grid")


class _Method(NamedTuple):
    """A curriculum and the settings that only its trainings have."""

    curriculum: str
    assignments: list[str]


def read_sweep(path: Path) -> list[MetaTraining]:
    """Return the trainings of a sweep file: every curriculum with every combination of the grid and every meta-seed.

    Args:
      path: TOML with the keys `config` (a preset), `curricula` (a list, or NAME = CURRICULUM, or a table of its own for
        NAME with the key `curriculum` and settings), `seeds` (a number of meta-seeds, or a list of them), `set`
        (FIELD = VALUE, for all trainings) and `grid` (FIELD = list of values).

    Raises:
      ConfigError: if the file cannot be read, or one of its trainings cannot work; the complaint names the key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({one_line(error)}).") from error
    try:
        trainings = _trainings(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return trainings


def _trainings(content: Mapping[str, Any]) -> list[MetaTraining]:
    for key in content:
        if key not in _KEYS:
            raise unknown_name("key", key, _KEYS)
    preset = content.get("config", "laptop")
    if preset not in PRESETS:
        raise unknown_name("config", str(preset), PRESETS)
    methods, seeds = _methods(content.get("curricula", ["ar"])), _seeds(content.get("seeds", 1))
    fixed = _assignments(_table(content, "set"))
    trainings = [
        MetaTraining(
            ", ".join([name, *varied]), method.curriculum, seed, preset, (*fixed, *method.assignments, *varied)
        )
        for (name, method), varied in itertools.product(methods.items(), _grid(content))
        for seed in seeds
    ]
    for training in trainings:
        try:
            training.config  # noqa: B018  refuses what cannot work
        except ConfigError as error:
            raise ConfigError(f"{training.label}: {error}") from error
    _refuse_equal(trainings)
    return trainings


def _methods(value: Any) -> dict[str, _Method]:
    if _is_list(value, str) and value:
        return {each: _Method(each, []) for each in value}
    wrong = ConfigError('curricula is a list, as in ["ar", "dr"], or a table of NAME = "CURRICULUM".')
    if not isinstance(value, Mapping) or not value:
        raise wrong
    methods = {}
    for name, each in value.items():
        table = {"curriculum": each} if isinstance(each, str) else each
        if not isinstance(table, Mapping) or not isinstance(table.get("curriculum"), str):
            raise wrong
        settings = {field: setting for field, setting in table.items() if field != "curriculum"}
        methods[name] = _Method(table["curriculum"], _assignments(flatten(settings)))
    return methods


def _seeds(value: Any) -> list[int]:
    seeds = list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value
    if not seeds or not _is_list(seeds, int) or len(set(seeds)) < len(seeds):
        raise ConfigError("seeds is a number of meta-seeds, as in 5, or a list of them, as in [0, 1].")
    return list(seeds)


def _grid(content: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the assignments of every combination."""
    grid = _table(content, "grid")
    for field, values in grid.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"grid: {field} takes a list of values, as in [1, 2].")
    for values in itertools.product(*grid.values()):
        yield tuple(_assignments(dict(zip(grid, values, strict=True))))


def _table(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, Mapping):
        raise ConfigError(f"{key} is a table of field = value.")
    return flatten(table)


def _assignments(fields: Mapping[str, Any]) -> list[str]:
    """Return FIELD=VALUE texts, as --set takes them."""
    return [
        f"{field}={','.join(map(str, value)) if isinstance(value, list) else value}" for field, value in fields.items()
    ]


def _refuse_equal(trainings: list[MetaTraining]) -> None:
    """Refuse two trainings that are the same."""
    known: dict[str, MetaTraining] = {}
    for training in trainings:
        other = known.setdefault(training.name, training)
        if other is not training:
            raise ConfigError(f"{other.label} and {training.label} are the same training.")


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(type(each) is kind for each in value)
