"""The registry of level sources: a curriculum draws its new levels from one of these, by name.

::

    dr                        random gridworlds
    handcrafted               LPG's five tabular gridworlds
    mazes                     rooms, labyrinths and perfect mazes
    set:N                     N random gridworlds, drawn once from the seed
    set:FILE                  the gridworlds of a file that launch/levels.py wrote
    set:FILE#DIGEST           the same, refused if the content of the file has another digest
    dr=0.5,handcrafted=0.5    a mixture of the sources above
    networks:SOURCE           any of the sources above, for agents that are networks
    NAME                      a family of groove/envs/registry.py: networks (as networks:dr), varied, chain, worlds, ...
    broad=0.75,dr=0.25        several kinds of agents, each on levels of its own: three quarters of the lifetimes are
                              those of networks on `broad`, and one quarter those of tables on gridworlds

A new source of tabular gridworlds is one file, which builds a `GridSource`, and one line of `SOURCES`. An environment
with observations or actions of its own is one line of `ENVIRONMENTS` in groove/envs/registry.py.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Literal

import jax
import jax.numpy as jnp

from groove.curriculum.sources.grids import (
    GridSource,
    Sampler,
    SourceEntry,
    check_set,
    count_levels,
    handcrafted,
    larger_sizes,
    level_set,
    mazes,
    pin_set,
    random_levels,
)
from groove.curriculum.sources.mixtures import split_mixture
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.envs.registry import ENVIRONMENTS, make_env
from groove.types import Array, Key
from groove.utils.errors import GrooveError, unknown_name

BASE = "dr"  # the source of a curriculum whose name has none, and of validation levels
NETWORKS = "networks:"  # the prefix of gridworlds for agents that are networks

SOURCES: Mapping[str, SourceEntry] = {
    "dr": SourceEntry(random_levels, "random gridworlds"),
    "handcrafted": SourceEntry(handcrafted, "LPG's five tabular gridworlds"),
    "mazes": SourceEntry(mazes, "rooms, labyrinths and perfect mazes"),
    "set": SourceEntry(level_set, "a fixed set of gridworlds", ("set:N", "set:FILE"), check_set, pin_set),
}


def source_names() -> tuple[str, ...]:
    """Return the names of all sources, with a placeholder for an argument, in the order of the registries."""
    tabular = [form for name, entry in SOURCES.items() for form in entry.forms or (name,)]
    return (*tabular, *ENVIRONMENTS)


def make_source(name: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> EnvFamily:
    """Build the family of environments whose `sample_level` draws from a source.

    Args:
      name: the name of a source, a mixture of gridworlds, or networks:SOURCE; see the docstring of this module. A
        mixture with several kinds of agents is split by `by_kind` first.
      levels: the distribution of random levels, and the range of lifetimes (agent updates) of every source except
        level files, whose levels keep their lifetimes.
      sizes: static sizes of the levels; enlarged where the source needs it.
      key: the randomness of the levels of set:N.

    Raises:
      GrooveError: on a name that `check_source` refuses, or a file that is not a level set.
    """
    check_source(name)
    kinds = by_kind(name)
    if len(kinds) > 1:
        raise GrooveError(f'"{name}" needs agents of {len(kinds)} kinds: choose the source of one kind.')
    (name,) = kinds
    if name in ENVIRONMENTS:
        return make_env(name, levels, sizes)
    members = split_mixture(name.removeprefix(NETWORKS))
    parts = [_make_member(member, levels, sizes, key) for member in members]
    common = reduce(larger_sizes, (part.sizes for part in parts))
    weights = jnp.log(jnp.asarray(list(members.values())))
    sampler = None if set(members) == {BASE} else _mixed([part.sampler(common) for part in parts], weights)
    observation: Literal["index", "features"] = "features" if name.startswith(NETWORKS) else "index"
    return make_gridworld(common, levels, observation, sampler=sampler)._replace(name=name)


def size_of_set(name: str) -> int | None:
    """Return the number of levels of a source that is one fixed set; None for other sources.

    Raises:
      GrooveError: on a file that is not a level set.
    """
    kind, _, argument = name.removeprefix(NETWORKS).partition(":")
    return count_levels(argument) if kind == "set" and len(split_mixture(name)) == 1 else None


def by_kind(name: str) -> dict[str, float]:
    """Split a source by kinds of agents: source -> share of the lifetimes; the shares add up to 1.

    All tabular gridworlds of a mixture are one source. Every family of `ENVIRONMENTS` is a source of its own, because
    its agents have observations and actions of their own.

    Args:
      name: as `check_source` takes it, for instance "broad=3,dr=0.5,mazes=0.5".

    Returns:
      For instance {"broad": 0.75, "dr=0.5,mazes=0.5": 0.25}.
    """
    if name in ENVIRONMENTS or name.startswith(NETWORKS):
        return {name: 1.0}
    members = split_mixture(name)
    total = sum(members.values())
    tables = {member: weight for member, weight in members.items() if member not in ENVIRONMENTS}
    if len(tables) == len(members):
        return {name: 1.0}  # as it was written
    kinds: dict[str, float] = {}
    for member, weight in members.items():
        if member in ENVIRONMENTS or len(tables) == 1:
            kinds[member] = weight / total
        else:  # at the place of the first of them
            kinds[_join(tables)] = sum(tables.values()) / total
    return kinds


def check_source(name: str) -> None:
    """Refuse a name that no source has; open no file and start no backend.

    Raises:
      GrooveError: on an unknown source, with the nearest name; on a weight that is missing or not positive; or on a
        family of environments behind "networks:".
    """
    if name in ENVIRONMENTS:
        return
    for member in split_mixture(name.removeprefix(NETWORKS)):
        if member in ENVIRONMENTS:
            if name.startswith(NETWORKS):
                raise GrooveError(
                    f'"{member}" cannot stand behind "{NETWORKS}", because its agents have observations of their own. '
                    f"Mix it without the prefix, for instance {member}=0.5,networks=0.5."
                )
            continue
        source, _, argument = member.partition(":")
        if source not in SOURCES or bool(argument) != bool(SOURCES[source].forms):
            raise unknown_name("source", member, source_names())
        SOURCES[source].check(argument)


def pin_source(name: str) -> str:
    """Return the name of the same source, with files by absolute path and content: set:FILE as set:/.../FILE#DIGEST.

    Raises:
      GrooveError: on a name that `check_source` refuses, a file that cannot be read, or a file whose content has
        another digest than its name says.
    """
    check_source(name)
    if name in ENVIRONMENTS:
        return name
    if name.startswith(NETWORKS):
        return NETWORKS + pin_source(name.removeprefix(NETWORKS))
    members = split_mixture(name)
    if name in members:
        return _pin_member(name)
    return _join({_pin_member(member): weight for member, weight in members.items()})


def _join(members: Mapping[str, float]) -> str:
    return ",".join(f"{member}={weight:g}" for member, weight in members.items())


def _make_member(member: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> GridSource:
    source, _, argument = member.partition(":")
    return SOURCES[source].make(argument, levels, sizes, key)


def _pin_member(member: str) -> str:
    if member in ENVIRONMENTS:
        return member
    source, colon, argument = member.partition(":")
    return source + colon + SOURCES[source].pin(argument)


def _mixed(samplers: list[Sampler], logits: Array) -> Sampler:
    """Build a sampler that chooses one of the samplers, with logits f32 [n], for every level."""
    if len(samplers) == 1:
        return samplers[0]

    def sampler(key: Key) -> GridLevel:
        which_key, level_key = jax.random.split(key)
        return jax.lax.switch(jax.random.categorical(which_key, logits), samplers, level_key)

    return sampler
