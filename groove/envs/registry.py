"""Environment families by name."""

from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld


def make_env(name: str) -> EnvFamily:
    """x."""
    return make_gridworld()
