"""Numbers out of bounds are refused by name, in Python as on the command line."""

import numpy as np
import pytest

from groove.utils.errors import ConfigError
from groove.utils.limits import MOST_SEEDS, check_integer


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
    ],
)
def test_everything_else_is_refused(value, complaint):
    with pytest.raises(ConfigError, match=complaint):
        check_integer("--seeds", value, MOST_SEEDS)
