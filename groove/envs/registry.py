"""Environment families by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

from groove.envs.base import EnvFamily
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.mazes import make_mazes
from groove.envs.gridworld.named import HANDCRAFTED, RANDOM_GRIDS, check_name, make_named_family

ENVIRONMENTS: dict[str, Callable[..., EnvFamily]] = {
    "gridworld": make_gridworld,
    "handcrafted": lambda **kw: make_named_family(HANDCRAFTED, **kw),
    "random_grid": lambda **kw: make_named_family(RANDOM_GRIDS, **kw),
    "mazes": make_mazes,
    "chain": partial(make_chain, "tabular"),
    "chain_distractor": partial(make_chain, "distractor"),
}


def make_env(name: str, **kw: Any) -> EnvFamily:
    """Builds the environment family of this name.

    Args:
      name: "gridworld" (random levels), "handcrafted" (LPG's five tabular levels), "random_grid" (its five
        random grids), "mazes" (rooms, labyrinths and perfect mazes), "chain" (LPG's delayed chains), or
        "chain_distractor" (delayed chains among random bits).
      **kw: what the family's constructor takes: `make_gridworld`, `make_named_family`, `make_mazes` or `make_chain`.

    Raises:
      ValueError: on an unknown name, naming the nearest valid one.
    """
    check_name(name, ENVIRONMENTS, "environment")
    return ENVIRONMENTS[name](**kw)._replace(name=name)
