"""Numbers out of bounds are refused by name, in Python as on the command line."""

import numpy as np
import pytest

from groove.utils.errors import ConfigError
from groove.utils.limits import MOST_SEEDS, check_integer, check_seconds, check_switches


@pytest.mark.parametrize("value", [1, MOST_SEEDS, np.int64(5)])
def test_integers_within_the_bounds_pass(value):
    check_integer("--seeds", value, MOST_SEEDS)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (0, r"--seeds = 0 must be at least 1, and at most 10,000\."),
        (MOST_SEEDS + 1, r"--seeds = 10001 must be at least 1, and at most 10,000\."),
        (True, r"--seeds = True must be an integer\."),
        (2.0, r"--seeds = 2\.0 must be an integer\."),
        ("2", r"--seeds = '2' must be an integer\."),
        (float("nan"), r"--seeds = nan must be an integer\."),
        pytest.param(10**5000, r"--seeds = a value of type int must be at least 1", id="huge"),
    ],
)
def test_everything_else_is_refused(value, complaint):
    with pytest.raises(ConfigError, match=complaint):
        check_integer("--seeds", value, MOST_SEEDS)


@pytest.mark.parametrize("value", [0, 1.5, np.float32(2), np.int64(3)])
def test_durations_pass(value):
    check_seconds("--wait", value)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", None, True, 1j])
def test_everything_but_a_duration_is_refused(value):
    with pytest.raises(ConfigError, match=r"--wait = .* must be at least 0, and finite: give seconds\."):
        check_seconds("--wait", value)


def test_switches_are_true_or_false():
    check_switches(progress=True, force=np.False_)
    for value in (None, 0, 1, "x", [True]):
        with pytest.raises(ConfigError, match=r"progress = .* must be True or False\."):
            check_switches(force=False, progress=value)
