"""Sweep files: which curricula, settings and meta-seeds are trained, in TOML."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from groove.sweep.steps import MetaTraining, config_as_given
from groove.training.settings.prepare import buildable
from groove.training.settings.presets import PRESETS
from groove.training.settings.unread import unread
from groove.utils.errors import ConfigError, GrooveError, check_name, refuse_twice, unknown_name
from groove.utils.io import one_line, parse_toml
from groove.utils.limits import MOST_SEEDS, MOST_TRAININGS
from groove.utils.typed_fields import flatten, to_dict

_KEYS = ("config", "curricula", "seeds", "set", "grid")
_NO_SETTINGS = {  # fields of the configuration that the sweep decides -> what to do
    "preset": "name the preset under config",
    "curriculum": "list curricula under curricula",
    "seed": "list meta-seeds under seeds",
    "devices": "every training has one device; leave it out",
    "run.minutes": "every training runs to its last meta-step; set run.steps",
}


class _Method(NamedTuple):
    """A curriculum and the settings that only its trainings have."""

    curriculum: str
    assignments: list[str]


def read_sweep(path: Path) -> list[MetaTraining]:
    """Return the trainings of a sweep file: every curriculum with every combination of the grid and every meta-seed.

    Args:
      path: TOML with the keys `config` (a preset), `curricula` (a list, or NAME = CURRICULUM, or a table of its own for
        NAME with the key `curriculum` and settings), `seeds` (a number of meta-seeds, or a list of them), `set`
        (FIELD = VALUE, for all trainings that read the field) and `grid` (FIELD = list of values).

    Raises:
      ConfigError: if the file cannot be read or is empty, or one of its trainings cannot work, be it because of a file
        that is missing, or is there twice; the complaint names the key.
    """
    try:
        content = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({one_line(error)}).") from error
    try:
        trainings = _trainings(content)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return trainings


def _trainings(content: Mapping[str, Any]) -> list[MetaTraining]:
    if not content:
        raise ConfigError(f"the file says nothing: give at least one of {', '.join(_KEYS)}.")
    for key in content:
        if key not in _KEYS:
            raise unknown_name("key", key, _KEYS)
    preset = content.get("config", "laptop")
    check_name("config", preset, PRESETS)
    methods, seeds = _methods(content.get("curricula", ["ar"])), _seeds(content.get("seeds", 1))
    fixed, grid = _assignments(_settings("set", content.get("set", {}))), _grid(content.get("grid", {}))
    count = len(methods) * len(seeds) * math.prod(map(len, grid.values()))
    if count > MOST_TRAININGS:
        raise ConfigError(f"these are {count:,} trainings: name fewer curricula, seeds or values of the grid.")
    trainings = [
        MetaTraining(
            ", ".join([name, *varied]), method.curriculum, seed, preset, (*fixed, *method.assignments, *varied)
        )
        for (name, method), varied in itertools.product(methods.items(), _combinations(grid))
        for seed in seeds
    ]
    for training in trainings:
        with _explaining(training):
            _refuse_set_twice(training)
    trainings = _where_read(trainings, fixed)
    for training in trainings:
        with _explaining(training):
            training.config  # noqa: B018  refuses what cannot work
    _refuse_equal(trainings)
    for training in (each for each in trainings if each.seed == seeds[0]):
        with _explaining(training):
            buildable(training.config)  # the seed does not decide what fits together
    return trainings


@contextmanager
def _explaining(training: MetaTraining) -> Iterator[None]:
    """Name the training in errors of the block."""
    try:
        yield
    except GrooveError as error:
        raise ConfigError(f"{training.label}: {error}") from error


def _methods(value: Any) -> dict[str, _Method]:
    if _is_list(value, str) and value and all(each.strip() for each in value):
        refuse_twice("curricula", value)
        return {each: _Method(each, []) for each in value}
    wrong = ConfigError('curricula is a list, as in ["ar", "dr"], or a table of NAME = "CURRICULUM".')
    if not isinstance(value, Mapping) or not value:
        raise wrong
    methods = {}
    for name, each in value.items():
        if not name.strip():
            raise ConfigError('a name in curricula is empty: name every method, as in groove = "ar".')
        table = {"curriculum": each} if isinstance(each, str) else each
        if not isinstance(table, Mapping) or not isinstance(table.get("curriculum"), str):
            raise wrong
        settings = {field: setting for field, setting in table.items() if field != "curriculum"}
        methods[name] = _Method(table["curriculum"], _assignments(_settings(f"curricula.{name}", settings)))
    return methods


def _seeds(value: Any) -> list[int]:
    if type(value) is int and value > MOST_SEEDS:
        raise ConfigError(f"seeds = {value} must be at most {MOST_SEEDS:,}: seeds is the number of meta-seeds.")
    seeds = list(range(value)) if type(value) is int else value
    if not seeds or not _is_list(seeds, int):
        raise ConfigError("seeds is a number of meta-seeds, as in 5, or a list of them, as in [0, 1].")
    refuse_twice("seeds", seeds)
    return list(seeds)


def _grid(value: Any) -> dict[str, list[Any]]:
    """Return the values of every field of the grid."""
    grid = _settings("grid", value)
    for field, values in grid.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"grid: {field} takes a list of values, as in [1, 2].")
        refuse_twice(f"grid: {field}", values)
    return grid


def _combinations(grid: Mapping[str, list[Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the assignments of every combination of the grid."""
    for values in itertools.product(*grid.values()):
        yield tuple(_assignments(dict(zip(grid, values, strict=True))))


def _settings(key: str, table: Any) -> dict[str, Any]:
    """Return the settings of a table by dotted path, and refuse those that the sweep decides."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{key} is a table of field = value.")
    settings = flatten(table)
    for field in settings:
        if field in _NO_SETTINGS:
            raise ConfigError(f"{key} holds {field}, which is no setting of a sweep: {_NO_SETTINGS[field]}.")
    return settings


def _assignments(fields: Mapping[str, Any]) -> list[str]:
    """Return FIELD=VALUE texts, as --set takes them."""
    return [
        f"{field}={','.join(map(str, value)) if isinstance(value, list) else value}" for field, value in fields.items()
    ]


def _refuse_equal(trainings: list[MetaTraining]) -> None:
    """Refuse two trainings that are the same, be it under different names."""
    known: dict[str, MetaTraining] = {}
    for training in trainings:
        other = known.setdefault(str(to_dict(training.config)), training)
        if other is not training:
            raise ConfigError(f"{other.title} and {training.title} are the same training: leave out one of them.")


def _where_read(trainings: list[MetaTraining], fixed: Sequence[str]) -> list[MetaTraining]:
    """Leave settings of all trainings out of those that would not read them, unless no training would."""
    ignored = [_unread(training) for training in trainings]
    somewhere_read = {field for field in map(_field, fixed) if not all(field in each for each in ignored)}
    return [
        dataclasses.replace(
            training, overrides=tuple(a for a in training.overrides if _field(a) not in somewhere_read & each)
        )
        for training, each in zip(trainings, ignored, strict=True)
    ]


def _unread(training: MetaTraining) -> set[str]:
    """Return the fields that a training would not read; none if its configuration cannot be built."""
    try:
        return set(unread(config_as_given(training)))
    except GrooveError:
        return set()  # the check of the configuration says what is wrong


def _field(assignment: str) -> str:
    """Return the field of FIELD=VALUE."""
    return assignment.partition("=")[0]


def _refuse_set_twice(training: MetaTraining) -> None:
    """Refuse a field that two places set."""
    fields = [_field(assignment) for assignment in training.overrides]
    for field in fields:
        if fields.count(field) > 1:
            raise ConfigError(f"{field} is set twice: keep one of set, grid and the curriculum's own settings.")


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(type(each) is kind for each in value)
