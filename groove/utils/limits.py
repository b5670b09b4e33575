"""Bounds of the numbers that users give, the same for flags, files and functions, and checks of their types.

The bounds are far above what anybody needs. They turn a slip of the finger into a message, before hours or memory are
spent.
"""

import math
from numbers import Integral, Real
from typing import Any

from groove.utils.errors import ConfigError
from groove.utils.text import shown

MOST_DEVICES = 1024
MOST_LEVELS = 10**6  # random levels of one call
MOST_LIFETIME = 10**8  # agent updates
MOST_SEEDS = 10**4  # agents of a rule on a level, or meta-trainings of a method
MOST_RANGES = 100  # of a feature of levels
MOST_TRAININGS = 10**4  # of one sweep
MOST_EPOCHS = 10**4  # passes over a rollout
MOST_INTEGER = 10**9  # of settings without a bound of their own; twice as much is still an int32


def check_integer(flag: str, value: Any, most: int, least: int = 1) -> None:
    """Check that an argument is an integer within its bounds.

    Args:
      flag: the flag that gives the argument, for the message.
      value: the argument.
      most: the largest value.
      least: the smallest value.

    Raises:
      ConfigError: if the argument is no integer, or out of bounds.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ConfigError(f"{flag} = {shown(value)} must be an integer.")
    if not least <= int(value) <= most:
        raise ConfigError(f"{flag} = {shown(int(value))} must be at least {least}, and at most {most:,}.")


def check_seconds(flag: str, value: Any) -> None:
    """Check that an argument is a duration: a finite number that is not negative.

    Args:
      flag: the flag that gives the argument, for the message.
      value: the argument.

    Raises:
      ConfigError: if the argument is no such number.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ConfigError(f"{flag} = {shown(value)} must be at least 0, and finite: give seconds.")


def check_switches(**values: Any) -> None:
    """Check that arguments are true or false.

    Args:
      values: name -> argument.

    Raises:
      ConfigError: if an argument is neither.
    """
    import numpy as np  # whose booleans are no bool; --help does not wait for the import

    for name, value in values.items():
        if not isinstance(value, bool | np.bool_):
            raise ConfigError(f"{name} = {shown(value)} must be True or False.")
