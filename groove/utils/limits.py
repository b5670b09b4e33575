"""Upper bounds of the numbers that users give, the same for flags, files and functions.

The bounds are far above what anybody needs. They turn a slip of the finger into a message, before hours or memory are
spent.
"""

from numbers import Integral

from groove.utils.errors import ConfigError

MOST_DEVICES = 1024
MOST_LEVELS = 10**6  # random levels of one call
MOST_LIFETIME = 10**8  # agent updates
MOST_SEEDS = 10**4  # agents of a rule on a level, or meta-trainings of a method
MOST_RANGES = 100  # of a feature of levels
MOST_TRAININGS = 10**4  # of one sweep
MOST_INTEGER = 10**9  # of settings without a bound of their own; twice as much is still an int32


def check_integer(flag: str, value: int, most: int, least: int = 1) -> None:
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
        raise ConfigError(f"{flag} = {value!r} must be an integer.")
    if not least <= value <= most:
        raise ConfigError(f"{flag} = {value} must be at least {least}, and at most {most:,}.")
