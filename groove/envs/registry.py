"""The registry of environments: every family that a run can train on by its name alone.

A new environment is one file, which builds its `EnvFamily`, and one line of `ENVIRONMENTS`. Tabular gridworlds, which
a curriculum can also mix, are the sources of `groove.curriculum.sources.registry`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

from groove.envs.base import EnvFamily
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.envs.gridworld.named import make_random_grids
from groove.envs.mixture import make_mixture
from groove.envs.random_mdp import make_random_mdps
from groove.envs.worlds.family import make_worlds
from groove.utils.errors import unknown_name


class EnvEntry(NamedTuple):
    """One registered environment.

    Attributes:
      make: (levels, sizes) -> the family. A family with levels of its own reads only `min_lifetime` and
        `max_lifetime` of `levels` (agent updates).
      about: one line for listings.
    """

    make: Callable[[LevelDistribution, GridSizes], EnvFamily]
    about: str


def _varied(levels: LevelDistribution, sizes: GridSizes) -> EnvFamily:
    return make_gridworld(sizes, dataclasses.replace(levels, step_reward_share=0.5), "features")


def _broad(levels: LevelDistribution, sizes: GridSizes) -> EnvFamily:
    mdps = make_random_mdps(levels.min_lifetime, levels.max_lifetime)
    members = {"grid": _varied(levels, sizes), "worlds": make_worlds(levels), "mdp": mdps}
    return make_mixture("broad", [env._replace(name=name) for name, env in members.items()], (2.0, 2.0, 1.0))


ENVIRONMENTS: Mapping[str, EnvEntry] = {
    "networks": EnvEntry(
        lambda levels, sizes: make_gridworld(sizes, levels, "features"),
        "random gridworlds, for network agents",
    ),
    "varied": EnvEntry(_varied, "as networks; half of the levels pay a reward at every step"),
    "random_grid": EnvEntry(make_random_grids, "LPG's five random grids: objects move, observations are planes"),
    "chain": EnvEntry(
        lambda levels, _: make_chain("tabular", levels.min_lifetime, levels.max_lifetime), "LPG's delayed chains"
    ),
    "chain_distractor": EnvEntry(
        lambda levels, _: make_chain("distractor", levels.min_lifetime, levels.max_lifetime),
        "LPG's delayed chains among twenty random bits",
    ),
    "random_mdp": EnvEntry(
        lambda levels, _: make_random_mdps(levels.min_lifetime, levels.max_lifetime),
        "random decision processes, for network agents",
    ),
    "worlds": EnvEntry(lambda levels, _: make_worlds(levels), "procedural arcade worlds"),
    "broad": EnvEntry(_broad, "varied, worlds and random decision processes (weights 2, 2, 1), for network agents"),
}


def make_env(name: str, levels: LevelDistribution, sizes: GridSizes) -> EnvFamily:
    """Build the environment family registered under a name.

    Args:
      name: a key of `ENVIRONMENTS`.
      levels: the distribution of random levels, and the range of every family's lifetimes.
      sizes: static sizes of gridworlds; other families ignore them.

    Raises:
      GrooveError: on an unknown name, or when the levels do not fit the sizes.
    """
    if name not in ENVIRONMENTS:
        raise unknown_name("environment", name, ENVIRONMENTS)
    return ENVIRONMENTS[name].make(levels, sizes)._replace(name=name)
