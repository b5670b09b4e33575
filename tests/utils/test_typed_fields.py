"""Fields by dotted path: typed, within their ranges, the nearest name for a wrong one, and a round trip by JSON."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Literal

import pytest

from groove.training.settings.presets import preset
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import (
    above,
    assign,
    at_least,
    flatten,
    from_dict,
    range_complaints,
    set_field,
    to_dict,
)


@dataclasses.dataclass(frozen=True)
class Inner:
    rate: float = above(0, 0.5)
    share: float = at_least(0, 0.5, most=1)
    kind: Literal["a", "b"] = "a"


@dataclasses.dataclass(frozen=True)
class Outer:
    count: int = at_least(1, 3)
    inner: Inner = dataclasses.field(default_factory=Inner)
    named: Mapping[str, Inner] = dataclasses.field(default_factory=lambda: {"x": Inner()})
    widths: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("gradient.learning_rate=3e-4", ("gradient", "learning_rate"), 3e-4),
        ("slots.count=16", ("slots", "count"), 16),
        ("rules.lpg.core=lstm", ("rules", "lpg", "core"), "lstm"),
        ("rules.lpg.lifetime_conditioning=true", ("rules", "lpg", "lifetime_conditioning"), True),
        ("table_agent.widths=64,32", ("table_agent", "widths"), (64, 32)),
        ("table_agent.widths=[64, 32]", ("table_agent", "widths"), (64, 32)),
        ("antagonists=a2c,rule:ppo[epochs=2]", ("antagonists",), ("a2c", "rule:ppo[epochs=2]")),
        ("table_agent.widths=(64,)", ("table_agent", "widths"), (64,)),
        ("table_agent.widths=", ("table_agent", "widths"), ()),
        ("table_agent.widths=()", ("table_agent", "widths"), ()),
        ("curriculum=dr", ("curriculum",), "dr"),
    ],
)
def test_overrides_are_read_as_the_fields_type(assignment, path, value):
    config = assign(preset("smoke"), assignment)
    for name in path:
        config = config[name] if isinstance(config, dict) else getattr(config, name)
    assert config == value
    assert type(config) is type(value)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("gradient.learning_rte=1", 'did you mean "gradient.learning_rate"'),
        ("lerning_rate=1", "did you mean"),
        ("slots.count=1.5", "slots.count takes an integer"),
        ("slots.count=many", "slots.count takes an integer"),
        ("rules.lpg.lifetime_conditioning=yes", "takes true or false"),
        ("rules.lpg.core=rnn", "takes one of gru, lstm"),
        ("table_agent.widths=a,b", "takes a comma-separated list of int"),
        ("table_agent.widths=64,,32", 'takes a comma-separated list of int, not "64,,32"'),
        ("antagonists=a2c,,ppo", 'antagonists takes a comma-separated list of str, not "a2c,,ppo"'),
        ("antagonists=a2c,", "antagonists takes a comma-separated list of str"),
        ("antagonists=,", "antagonists takes a comma-separated list of str"),
        ("antagonists=(,)", "antagonists takes a comma-separated list of str"),
        ("meta=1", "meta is a group"),
        ("gradient.learning_rate", "is not an assignment"),
    ],
)
def test_wrong_overrides_are_refused_with_the_cure(assignment, complaint):
    with pytest.raises(ConfigError, match=complaint):
        assign(preset("smoke"), assignment)


def test_values_and_their_texts_are_set_alike():
    for value in ((3, 4), [3, 4], "3,4"):
        assert set_field(Outer(), "widths", value).widths == (3, 4)
    assert set_field(Outer(), "named.x.rate", 2).named["x"].rate == 2.0
    assert set_field(Outer(), "inner.kind", "b").inner.kind == "b"
    for wrong in (1.5, None, True, float("nan")):
        with pytest.raises(ConfigError, match="count takes an integer"):
            set_field(Outer(), "count", wrong)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("count", 0, "count = 0 must be at least 1."),
        ("inner.rate", 0.0, "inner.rate = 0.0 must be above 0."),
        ("named.x.share", 1.5, "named.x.share = 1.5 must be between 0 and 1."),
        ("inner.rate", float("inf"), "inner.rate = inf must be above 0, and finite."),
        ("inner.rate", float("nan"), "inner.rate = nan must be above 0, and finite."),
    ],
)
def test_numbers_outside_their_ranges_are_named(path, value, complaint):
    assert list(range_complaints(set_field(Outer(), path, value))) == [complaint]
    assert list(range_complaints(Outer())) == []


def test_dictionaries_are_a_round_trip():
    settings = set_field(set_field(Outer(), "named.x.rate", 2), "widths", (5,))
    assert from_dict(Outer(), to_dict(settings)) == settings
    endless = set_field(Outer(), "named.x.rate", float("inf"))
    stored = json.loads(json.dumps(to_dict(endless), allow_nan=False))
    assert from_dict(Outer(), stored) == endless
    assert flatten({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}
    assert flatten({"a": {"b": {}}, "c": {}}) == {"a.b": {}, "c": {}}

    with pytest.raises(ConfigError, match="unknown field"):
        from_dict(Outer(), {"inner": {"rat": 1}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"count": {}}, "count takes an integer, not a table."),
        ({"inner": {"rate": {}}}, "inner.rate takes a number, not a table."),
        ({"named": {"x": {"kind": {}}}}, "named.x.kind takes one of a, b, not a table."),
        ({"widths": {}}, "widths takes a comma-separated list of int, not a table."),
        ({"iner": {}}, 'unknown field "iner"'),
    ],
)
def test_an_empty_table_is_no_value_of_a_field(values, said):
    with pytest.raises(ConfigError, match=said):
        from_dict(Outer(), values)


def test_an_empty_table_sets_nothing_in_a_group():
    assert from_dict(Outer(), {"inner": {}, "named": {"x": {}}}) == Outer()
