"""Messages name the nearest valid name."""

import pytest

from groove.utils.errors import (
    ConfigError,
    GrooveError,
    check_name,
    closest,
    missing_extra,
    nearest,
    refuse_twice,
    unknown_name,
)


def test_the_closest_name():
    assert closest("smok", ["smoke", "paper"]) == "smoke"
    assert closest("xyz", ["smoke", "paper"]) is None
    assert nearest("smok", ["smoke", "paper"]) == ' (did you mean "smoke"?)'
    assert nearest("xyz", ["smoke", "paper"]) == ""


def test_an_unknown_name_lists_the_valid_ones():
    error = unknown_name("config", "smok", ["smoke", "paper"])
    assert isinstance(error, ConfigError)
    assert str(error) == 'unknown config "smok" (did you mean "smoke"?); choose one of smoke, paper.'


def test_a_name_is_a_text_that_is_registered():
    check_name("config", "smoke", ["smoke", "paper"])
    with pytest.raises(ConfigError, match=r'unknown config "smok" \(did you mean "smoke"\?\)'):
        check_name("config", "smok", {"smoke": 1, "paper": 2})
    for name in (None, 5, ["smoke"], {"smoke": 1}):
        with pytest.raises(ConfigError, match=r"config = .* is no text; choose one of smoke, paper\."):
            check_name("config", name, {"smoke": 1, "paper": 2})


def test_a_value_that_is_there_twice_is_named():
    refuse_twice("--rules", [])
    refuse_twice("--rules", ["a2c", "random"])
    with pytest.raises(ConfigError, match="--rules lists a2c twice: list it once"):
        refuse_twice("--rules", ["random", "a2c", "a2c"])
    with pytest.raises(ConfigError, match=r"widths lists \[8\] twice"):
        refuse_twice("widths", [[8], [4], [8]])


def test_a_missing_extra_says_what_to_install():
    error = missing_extra("jumanji", "arcade")
    assert isinstance(error, GrooveError)
    assert isinstance(error, ImportError)
    assert 'pip install "groove-rl[arcade]"' in str(error)
