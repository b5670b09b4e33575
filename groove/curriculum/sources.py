"""Where levels come from: the sources a curriculum draws new levels of, by name.

    dr                            random gridworlds
    handcrafted                   LPG's five tabular gridworlds
    mazes                         rooms, labyrinths and perfect mazes
    set:N                         N random gridworlds, drawn once from the seed
    set:FILE                      the gridworlds of a file that launch/levels.py wrote; set:FILE#DIGEST insists on
                                  its content
    dr=0.5,handcrafted=0.5        a mixture of any of these
    networks:SOURCE               any of these, its agents being networks instead of tables; networks is networks:dr
    varied                        networks on random gridworlds, of which half pay a reward at every step
    random_grid                   LPG's five random grids, which agents see as planes
    chain, chain_distractor       LPG's delayed chains

Every source draws lifetimes from `levels.min_lifetime` .. `levels.max_lifetime`, but for files, whose levels keep
theirs.
"""

import dataclasses
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import EnvFamily
from groove.envs.chain import make_chain
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.level_file import load_levels, pinned, resize
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, log_uniform_int, sample_level
from groove.envs.gridworld.mazes import make_sampler
from groove.envs.gridworld.named import HANDCRAFTED, RANDOM_GRIDS, make_named_family, named_sizes
from groove.types import Key

Sampler = Callable[[Key], GridLevel]

BASE = "dr"
_ALONE = ("networks", "varied", "random_grid", "chain", "chain_distractor")  # with observations or actions of their own
SOURCES = ("dr", "handcrafted", "mazes", "set:N", "set:FILE", *_ALONE)
_NETWORKS = "networks:"
_WEIGHTED = re.compile(r"(.+)=([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan))")


class _Tabular(NamedTuple):
    """A source of tabular gridworlds: the sizes it needs, and its sampler on sizes at least those."""

    sizes: GridSizes
    sampler: Callable[[GridSizes], Sampler]


def make_source(name: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> EnvFamily:
    """Builds the environments whose `sample_level` draws from a source.

    Args:
      name: as above.
      levels: of random gridworlds; its lifetimes are everybody's.
      sizes: the least; enlarged to what the source needs.
      key: draws the levels of set:N.

    Raises:
      ValueError: on an unknown name, a weight that is not a positive number, a mixture of sources that agents cannot
        see alike, or a file that is not a level set.
    """
    check_source(name)
    if name in _ALONE:
        return _alone(name, levels, sizes)
    members = _members(name.removeprefix(_NETWORKS))
    parts = [_tabular(member, levels, sizes, key) for member in members]
    common = GridSizes(
        side=max(part.sizes.side for part in parts),
        objects=max(part.sizes.objects for part in parts),
        diagonal=sizes.diagonal,
    )
    samplers = [part.sampler(common) for part in parts]
    logits = jnp.log(jnp.asarray(list(members.values())))

    def sampler(key: Key) -> GridLevel:
        if len(samplers) == 1:
            return samplers[0](key)
        which_key, level_key = jax.random.split(key)
        return jax.lax.switch(jax.random.categorical(which_key, logits), samplers, level_key)

    observation: Literal["index", "features"] = "features" if name.startswith(_NETWORKS) else "index"
    return make_gridworld(common, levels, observation, sampler=sampler)._replace(name=name)


def check_source(name: str) -> None:
    """Refuses a name that no source has; opens no file and starts no backend.

    Raises:
      ValueError: naming the nearest source.
    """
    members = _members(name.removeprefix(_NETWORKS))
    for member in members:
        kind, _, which = member.partition(":")
        if member in _ALONE and (len(members) > 1 or name.startswith(_NETWORKS)):
            raise ValueError(f'"{member}" cannot be mixed: its agents see other observations. Use it alone.')
        if member not in (BASE, "handcrafted", "mazes", *_ALONE) and not (kind == "set" and which):
            nearest = get_close_matches(member, SOURCES, n=1, cutoff=0.0)[0]
            raise ValueError(f'unknown source "{member}" (did you mean "{nearest}"?); there are {", ".join(SOURCES)}.')
        if kind == "set" and which.isdecimal() and int(which) < 1:
            raise ValueError("set:N needs at least one level.")


def pin_source(name: str) -> str:
    """The same source, its files named by absolute path and content: set:FILE becomes set:/.../FILE#DIGEST.

    Raises:
      ValueError: on a name that no source has, or a file that cannot be read or is not what its digest says.
    """
    check_source(name)
    if name.startswith(_NETWORKS):
        return _NETWORKS + pin_source(name.removeprefix(_NETWORKS))
    members = _members(name)
    if name in members:
        return _pin(name)
    return ",".join(f"{_pin(member)}={weight:g}" for member, weight in members.items())


def _pin(member: str) -> str:
    kind, _, which = member.partition(":")
    return f"set:{pinned(which)}" if kind == "set" and not which.isdecimal() else member


def _members(name: str) -> dict[str, float]:
    """A mixture's members and weights; a source alone, and a path that happens to hold "=", has weight one."""
    parts = name.split(",")
    if not any(_WEIGHTED.fullmatch(part) for part in parts):
        return {name: 1.0}
    members: dict[str, float] = {}
    for part in parts:
        if not (match := _WEIGHTED.fullmatch(part)):
            raise ValueError(f'"{part}" of "{name}" has no weight; write for instance dr=0.5,handcrafted=0.5.')
        member, weight = match[1].strip(), float(match[2])
        if member in members:
            raise ValueError(f'"{name}" names {member} twice; give it one weight.')
        if not 0 < weight < float("inf"):
            raise ValueError(f'the weight of "{part}" must be positive.')
        members[member] = weight
    return members


def _alone(name: str, levels: LevelDistribution, sizes: GridSizes) -> EnvFamily:
    if name in ("networks", "varied"):
        share = 0.5 if name == "varied" else levels.step_reward_share
        drawn = dataclasses.replace(levels, step_reward_share=share)
        return make_gridworld(sizes, drawn, observation="features")._replace(name=name)
    if name == "random_grid":
        family = make_named_family(RANDOM_GRIDS, named_sizes(RANDOM_GRIDS, sizes.diagonal))
        return family._replace(name=name, sample_level=_with_lifetimes(family.sample_level, levels))
    kind: Literal["tabular", "distractor"] = "tabular" if name == "chain" else "distractor"
    return make_chain(kind, levels.min_lifetime, levels.max_lifetime)._replace(name=name)


def _tabular(name: str, levels: LevelDistribution, sizes: GridSizes, key: Key) -> _Tabular:
    if name == BASE:
        return _Tabular(sizes, lambda sizes: lambda key: sample_level(key, levels, sizes))
    if name == "handcrafted":
        need = named_sizes(HANDCRAFTED)
        larger = GridSizes(max(sizes.side, need.side), max(sizes.objects, need.objects), sizes.diagonal)
        return _Tabular(
            larger, lambda sizes: _with_lifetimes(make_named_family(HANDCRAFTED, sizes).sample_level, levels)
        )
    if name == "mazes":
        return _Tabular(sizes, lambda sizes: make_sampler(levels, sizes))
    which = name.partition(":")[2]
    if which.isdecimal():
        return _frozen(int(which), levels, sizes, key)
    chosen = load_levels(which)
    larger = GridSizes(max(sizes.side, chosen.sizes.side), max(sizes.objects, chosen.sizes.objects), sizes.diagonal)
    if chosen.sizes.diagonal != sizes.diagonal:
        raise ValueError(f"{which} holds levels of sizes.diagonal = {chosen.sizes.diagonal}; set it so.")
    return _Tabular(larger, lambda sizes: _one_of(resize(chosen, sizes)))


def _frozen(count: int, levels: LevelDistribution, sizes: GridSizes, key: Key) -> _Tabular:
    def sampler(sizes: GridSizes) -> Sampler:
        keys = jax.random.split(key, count)
        return _one_of(jax.jit(jax.vmap(lambda k: sample_level(k, levels, sizes)))(keys))

    return _Tabular(sizes, sampler)


def _one_of(levels: GridLevel) -> Sampler:
    """Draws uniformly among levels [n]."""
    count = levels.size.shape[0]
    return lambda key: jax.tree.map(lambda x: x[jax.random.randint(key, (), 0, count)], levels)


def _with_lifetimes(sampler: Sampler, levels: LevelDistribution) -> Sampler:
    def sample(key: Key) -> GridLevel:
        level_key, lifetime_key = jax.random.split(key)
        lifetime = log_uniform_int(jax.random.uniform(lifetime_key), levels.min_lifetime, levels.max_lifetime)
        return dataclasses.replace(sampler(level_key), lifetime=lifetime)

    return sample
