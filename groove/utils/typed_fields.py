"""Nested settings by dotted path: parse, replace, check ranges, and convert to and from JSON.

Settings are frozen dataclasses whose fields are values, other dataclasses, or mappings from a name to a dataclass. The
dotted path "rules.ppo.clip" names a field of the entry "ppo" of the mapping "rules".
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from groove.utils.errors import ConfigError, nearest
from groove.utils.limits import MOST_INTEGER
from groove.utils.text import shown

T = TypeVar("T")
_RANGE = "range"


class Range(NamedTuple):
    """The values that a number may take.

    Attributes:
      least: the smallest value.
      most: the largest value; None for any finite value, math.inf for infinity, too.
      open: whether `least` itself is excluded.
    """

    least: float
    most: float | None
    open: bool

    def holds(self, value: float) -> bool:
        """Return whether the value lies in the range; infinity does only where `most` is infinite, and NaN never."""
        if isinstance(value, float) and (math.isnan(value) or (math.isinf(value) and self.most != math.inf)):
            return False  # integers may be larger than any float, and are finite
        above = value > self.least if self.open else value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        low = f"above {self.least:g}" if self.open else f"at least {self.least:g}"
        if self.most in (None, math.inf):
            return low
        return f"{low} and at most {self.most:g}" if self.open else f"between {self.least:g} and {self.most:g}"


def at_least(least: float, default: T, most: float | None = None) -> T:
    """Declare a dataclass field whose value is not below `least`, nor above `most`."""
    return dataclasses.field(default=default, metadata={_RANGE: Range(least, most, open=False)})


def above(least: float, default: T, most: float | None = None, *, repr: bool = True) -> T:
    """Declare a dataclass field whose value is above `least`, and not above `most`."""
    return dataclasses.field(default=default, repr=repr, metadata={_RANGE: Range(least, most, open=True)})


def settings_repr(settings: Any, hidden: Collection[str] = ()) -> str:
    """Return the text that a dataclass has by default, without some fields.

    Stored results identify a rule by this text, so that a setting which a rule does not read can be added later.

    Args:
      settings: a dataclass.
      hidden: names of fields to leave out, besides those declared with repr=False.
    """
    shown = [field.name for field in dataclasses.fields(settings) if field.repr and field.name not in hidden]
    return f"{type(settings).__name__}({', '.join(f'{name}={getattr(settings, name)!r}' for name in shown)})"


def range_complaints(settings: Any, prefix: str = "") -> Iterator[str]:
    """Yield one line for every number outside the range declared beside its field, or not finite without a range.

    Integers whose range has no upper end are at most MOST_INTEGER, because devices count in int32.
    """
    for name, value in _children(settings).items():
        if _children(value):
            yield from range_complaints(value, f"{prefix}{name}.")
            continue
        allowed: Range | None = _metadata(settings, name).get(_RANGE)
        if allowed is not None and not allowed.holds(value):
            finite = isinstance(value, int) or math.isfinite(value)
            yield f"{prefix}{name} = {shown(value)} must be {allowed}{'' if finite else ', and finite'}."
        elif allowed is None and isinstance(value, float) and not math.isfinite(value):
            yield f"{prefix}{name} = {value} must be finite."
        elif isinstance(value, int) and value > MOST_INTEGER and (allowed is None or allowed.most is None):
            yield f"{prefix}{name} = {shown(value)} must be at most {MOST_INTEGER:,}."


def assign(settings: T, assignment: str) -> T:
    """Return the settings with one "field.subfield=value" applied; the value is read as the field's type.

    Raises:
      ConfigError: on an unknown field, with the nearest one, or a value of another type.
    """
    return set_field(settings, *split_assignment(assignment))


def split_assignment(assignment: str) -> tuple[str, str]:
    """Return the dotted path and the text of "field.subfield=value".

    Raises:
      ConfigError: if there is no "=".
    """
    path, equals, text = (part.strip() for part in assignment.partition("="))
    if not equals:
        raise ConfigError(f'"{assignment}" is not an assignment; write for instance run.steps=100.')
    return path, text


def set_field(settings: T, path: str, value: Any) -> T:
    """Return the settings with the field of a dotted path set to a value of the field's type.

    Args:
      settings: the settings.
      path: the dotted path of the field.
      value: the value, or the text of it. A group of fields takes an empty dictionary, which sets nothing.

    Raises:
      ConfigError: on an unknown field, with the nearest one, or a value of another type.
    """
    if isinstance(value, Mapping) and not value and _is_group(_at(settings, path)):
        return settings
    kind = _type_of(settings, path)
    if isinstance(value, Mapping):
        raise ConfigError(f"{path} takes {_describe(kind)}, not a table.")
    return replace(settings, path, _parse(path, _as_text(value, kind), kind))


def replace(settings: T, path: str, value: Any) -> T:
    """Return the settings with the field of a dotted path replaced; the value is taken without a check.

    Raises:
      ConfigError: if there is no such field.
    """
    head, _, rest = path.partition(".")
    return _replace(
        settings, head, replace(_child(settings, head, path, settings), rest, value) if rest else value, path
    )


def replace_all(settings: T, values: Mapping[str, Any]) -> T:
    """Return the settings with several fields replaced: dotted path -> value."""
    for path, value in values.items():
        settings = replace(settings, path, value)
    return settings


def to_dict(settings: Any) -> dict[str, Any]:
    """Return the settings as nested dictionaries that JSON can hold; infinity, which it cannot, becomes "inf"."""
    words = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}
    text = json.dumps(dataclasses.asdict(settings))
    return typing.cast(dict[str, Any], json.loads(text, parse_constant=words.__getitem__))


def from_dict(default: T, values: Mapping[str, Any]) -> T:
    """Return `default` with the fields that a dictionary of `to_dict` mentions.

    Raises:
      ConfigError: on a field that `default` does not have, or a value of another type.
    """
    for path, value in flatten(values).items():
        default = set_field(default, path, value)
    return default


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return {"a": {"b": 1}} as {"a.b": 1}; an empty dictionary stays as it is."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, Mapping) and value
        flat |= flatten(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return flat


def _children(settings: Any) -> Mapping[str, Any]:
    """Return the fields of a dataclass or the entries of a mapping; empty for a value."""
    if isinstance(settings, Mapping):
        return settings
    if dataclasses.is_dataclass(settings):
        return {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    return {}


def _metadata(settings: Any, name: str) -> Mapping[str, Any]:
    """Return the metadata of a field; empty for an entry of a mapping."""
    if isinstance(settings, Mapping):
        return {}
    return next(field.metadata for field in dataclasses.fields(settings) if field.name == name)


def _child(settings: Any, name: str, path: str, root: Any) -> Any:
    """Return one field, or refuse `path` as unknown under `root`."""
    children = _children(settings)
    if name not in children:
        raise ConfigError(f'unknown field "{path}"{nearest(path, flatten(dataclasses.asdict(root)))}.')
    return children[name]


def _replace(settings: T, name: str, value: Any, path: str) -> T:
    """Return the settings with one of their own fields replaced; `path` is its name in messages."""
    _child(settings, name, path, settings)
    if isinstance(settings, Mapping):
        return typing.cast(T, {**settings, name: value})
    return dataclasses.replace(typing.cast(Any, settings), **{name: value})


def _type_of(settings: Any, path: str) -> Any:
    """Return the declared type of a field, and refuse a group of fields."""
    value = _at(settings, path)
    if _is_group(value):
        fields = ", ".join(_children(value)) or "none"
        raise ConfigError(f"{path} is a group; set one of its fields ({fields}), as in {path}.FIELD=VALUE.")
    above, _, name = path.rpartition(".")
    parent = _at(settings, above) if above else settings
    return type(value) if isinstance(parent, Mapping) else typing.get_type_hints(type(parent))[name]


def _at(settings: Any, path: str) -> Any:
    """Return the value of a dotted path."""
    value = settings
    for name in path.split("."):
        value = _child(value, name, path, settings)
    return value


def _is_group(value: Any) -> bool:
    return dataclasses.is_dataclass(value) or isinstance(value, Mapping)


def _as_text(value: Any, kind: Any) -> str:
    """Return a value as the command line would give it; a list is one for fields that hold several values."""
    try:
        several = isinstance(value, list | tuple) and typing.get_origin(kind) is tuple
        return ",".join(map(str, value)) if several else str(value)
    except ValueError:  # an integer of thousands of digits
        return shown(value)


def _parse(path: str, text: str, kind: Any) -> Any:
    """Read text as `kind`: bool, int, float, str, a Literal, or a tuple of any of the first four."""
    wrong = ConfigError(f'{path} takes {_describe(kind)}, not "{text}".')
    if typing.get_origin(kind) is typing.Literal:
        if text not in typing.get_args(kind):
            raise wrong
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise wrong
        return text.lower() == "true"
    try:
        if typing.get_origin(kind) is tuple:
            return tuple(typing.get_args(kind)[0](item) for item in _items(text))
        return kind(text)
    except (ValueError, TypeError):
        raise wrong from None


def _items(text: str) -> list[str]:
    """Split a comma-separated list, which brackets may enclose.

    Raises:
      ValueError: if an item is empty.
    """
    inside = text.strip()
    if inside[:1] + inside[-1:] in ("()", "[]"):  # a bracket inside an item belongs to it, as in rule:ppo[epochs=2]
        inside = inside[1:-1].strip()
    items = [item.strip('" ') for item in inside.split(",")] if inside else []
    if text.rstrip().endswith(")") and len(items) > 1 and not items[-1]:  # Python writes (1,)
        items.pop()
    if not all(items):
        raise ValueError("an item is empty")
    return items


def _describe(kind: Any) -> str:
    """Return a type in words."""
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(typing.get_args(kind))
    if isinstance(kind, types.GenericAlias):
        return f"a comma-separated list of {typing.get_args(kind)[0].__name__}"
    return {bool: "true or false", int: "an integer", float: "a number", str: "text"}[kind]
