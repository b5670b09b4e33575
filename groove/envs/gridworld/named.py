"""The handcrafted gridworlds of LPG, by name: five tabular levels and five random grids.

Sizes, objects, time limits and walls are those of Oh et al. (2020) as confirmed by GROOVE's appendix C and
code. Two grids that LPG has rectangular are square here, as in GROOVE's code: 5x7 is 7x7 and 7x9 is 9x9.
Where the number of negative objects of `longer_horizon` differs (LPG 5, GROOVE's code 3) it is LPG's. LPG
plays with nine actions, GROOVE's code with five: that is a property of the sizes (`diagonal`), not of a
level.

In a tabular level, objects and start are drawn once and stay for the lifetime; in a random grid they are
drawn anew each episode, and objects again whenever they respawn.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution, with_lifetimes
from groove.types import Array, Key


class Objects(NamedTuple):
    """Objects of one kind."""

    number: int
    reward: float
    p_terminate: float
    p_respawn: float


@dataclass(frozen=True)
class NamedLevel:
    """A level but for where its objects and its start lie.

    Attributes:
      size: the grid's side.
      max_steps: the time limit, environment steps.
      objects: the kinds of objects.
      walls: cells (row, column).
      placement: "fixed" (tabular) or "random" (a random grid).
    """

    size: int
    max_steps: int
    objects: tuple[Objects, ...]
    walls: tuple[tuple[int, int], ...] = ()
    placement: Literal["fixed", "random"] = "fixed"

    @property
    def lifetime(self) -> int:
        """Agent updates of one lifetime."""
        return 2500 if self.placement == "fixed" else 25_000

    @property
    def object_table(self) -> np.ndarray:
        """One row an object: f32 [O, 3] of reward, p_terminate, p_respawn."""
        return np.array([kind[1:] for kind in self.objects for _ in range(kind.number)], np.float32)


def _picture(*rows: str) -> tuple[tuple[int, int], ...]:
    return tuple((r, c) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark == "#")


_TWO_ROOMS = _picture(
    "....#....",
    ".........",
    "....#....",
    "....#....",
    "....#....",
    "....#....",
    "....#....",
    ".........",
    "....#....",
)
_FOUR_ROOMS = _picture(
    "...........",
    ".....#.....",
    ".....#.....",
    ".....#.....",
    "##.#####.##",
    ".....#.....",
    ".....#.....",
    "...........",
    ".....#.....",
    ".....#.....",
    ".....#.....",
)
_TWO_STONES = _picture(
    ".......",
    "..#....",
    ".......",
    "....#..",
    ".......",
    ".......",
    ".......",
)

_DENSE = (Objects(2, 1.0, 0.0, 0.05), Objects(1, -1.0, 0.5, 0.1), Objects(1, -1.0, 0.0, 0.5))
_SPARSE = (Objects(1, 1.0, 1.0, 0.0), Objects(1, -1.0, 1.0, 0.0))
_LONG = (Objects(2, 1.0, 0.0, 0.01), Objects(2, -1.0, 0.5, 1.0))
_LONGER = (Objects(2, 1.0, 0.1, 0.01), Objects(5, -1.0, 0.8, 1.0))
_LONG_DENSE = (Objects(4, 1.0, 0.0, 0.005),)
_SMALL = (Objects(2, 1.0, 0.0, 0.05), Objects(2, -1.0, 0.5, 0.1))
_SMALL_SPARSE = (Objects(1, 1.0, 1.0, 1.0), Objects(2, -1.0, 1.0, 1.0))
_VERY_DENSE = (Objects(1, 1.0, 0.0, 1.0),)

HANDCRAFTED: Mapping[str, NamedLevel] = {
    "dense": NamedLevel(11, 500, _DENSE),
    "sparse": NamedLevel(13, 50, _SPARSE),
    "long_horizon": NamedLevel(11, 1000, _LONG),
    "longer_horizon": NamedLevel(9, 2000, _LONGER, _TWO_ROOMS),
    "long_dense": NamedLevel(11, 2000, _LONG_DENSE, _FOUR_ROOMS),
}
RANDOM_GRIDS: Mapping[str, NamedLevel] = {
    "random_dense": NamedLevel(11, 500, _DENSE, placement="random"),
    "random_long_horizon": NamedLevel(11, 1000, _LONG, placement="random"),
    "random_small": NamedLevel(7, 500, _SMALL, _TWO_STONES, placement="random"),
    "random_small_sparse": NamedLevel(7, 50, _SMALL_SPARSE, placement="random"),
    "random_very_dense": NamedLevel(11, 2000, _VERY_DENSE, placement="random"),
}
NAMED: dict[str, NamedLevel] = {**HANDCRAFTED, **RANDOM_GRIDS}


def check_name(name: str, valid: Iterable[str], what: str) -> None:
    """Refuses a name that is not among the valid ones.

    Raises:
      ValueError: naming the nearest valid name, and all of them.
    """
    valid = list(valid)
    if name in valid:
        return
    nearest = difflib.get_close_matches(name, valid, n=1, cutoff=0.0)[0]
    raise ValueError(f"unknown {what} {name!r}; did you mean {nearest!r}? Known: {', '.join(valid)}.")


def named_sizes(names: Iterable[str] = tuple(NAMED), diagonal: bool = False) -> GridSizes:
    """The smallest sizes that hold the named levels; all of them need side 13 and 7 objects."""
    levels = [_named(name) for name in names]
    objects = max(len(level.object_table) for level in levels)
    return GridSizes(side=max(level.size for level in levels), objects=objects, diagonal=diagonal)


def make_level(name: str, key: Key, sizes: GridSizes) -> GridLevel:
    """Draws a named level: start and objects on distinct free cells, uniformly.

    Raises:
      ValueError: on an unknown name, or when the sizes do not hold the level.
    """
    return _scatter(_template(name, sizes), key, sizes)


def make_named_family(names: Iterable[str], sizes: GridSizes | None = None) -> EnvFamily:
    """The family of environments whose `sample_level` draws one of the named levels, uniformly.

    Args:
      names: of levels that share a placement: tabular ones are observed as an index, random grids as planes.
      sizes: shared by all; by default the smallest that hold them, with five actions.

    Raises:
      ValueError: on an unknown name, no name, names of both placements, or sizes that do not hold a level.
    """
    names = tuple(names)
    placements = {_named(name).placement for name in names}
    if len(placements) != 1:
        raise ValueError(f"give names of one placement, fixed or random, and at least one; got {names}.")
    (placement,) = placements
    sizes = sizes or named_sizes(names)
    templates = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *(_template(name, sizes) for name in names))

    def sampler(key: Key) -> GridLevel:
        which_key, place_key = jax.random.split(key)
        which = jax.random.randint(which_key, (), 0, len(names))
        return _scatter(jax.tree.map(lambda leaf: leaf[which], templates), place_key, sizes)

    observation: Literal["index", "planes"] = "index" if placement == "fixed" else "planes"
    return make_gridworld(sizes, observation=observation, placement=placement, sampler=sampler)


def make_random_grids(levels: LevelDistribution, sizes: GridSizes) -> EnvFamily:
    """Build the family of LPG's five random grids, with lifetimes drawn anew.

    Args:
      levels: gives `min_lifetime` and `max_lifetime`, agent updates; the other fields are ignored.
      sizes: gives `diagonal`; side and objects are the smallest that hold the grids.
    """
    family = make_named_family(RANDOM_GRIDS, named_sizes(RANDOM_GRIDS, sizes.diagonal))
    return family._replace(sample_level=with_lifetimes(family.sample_level, levels))


def _named(name: str) -> NamedLevel:
    check_name(name, NAMED, "gridworld level")
    return NAMED[name]


def _template(name: str, sizes: GridSizes) -> GridLevel:
    """A named level with its start and objects yet to be placed: they lie on cell 0."""
    named = _named(name)
    table = named.object_table
    if named.size > sizes.side or len(table) > sizes.objects:
        raise ValueError(
            f"level {name!r} has side {named.size} and {len(table)} objects; sizes hold side {sizes.side} "
            f"and {sizes.objects} objects: use named_sizes()."
        )
    walls = np.ones((sizes.side, sizes.side), bool)
    walls[: named.size, : named.size] = False
    walls[tuple(np.array(named.walls, int).reshape(-1, 2).T)] = True
    table = np.pad(table, ((0, sizes.objects - len(table)), (0, 0)))
    exists = np.arange(sizes.objects) < len(named.object_table)
    return GridLevel(
        size=jnp.int32(named.size),
        walls=jnp.asarray(walls.reshape(-1)),
        start=jnp.int32(0),
        object_cell=jnp.asarray(np.where(exists, 0, -1), jnp.int32),
        object_reward=jnp.asarray(table[:, 0]),
        p_terminate=jnp.asarray(table[:, 1]),
        p_respawn=jnp.asarray(table[:, 2]),
        step_reward=jnp.float32(0),
        max_steps=jnp.int32(named.max_steps),
        lifetime=jnp.int32(named.lifetime),
    )


def _scatter(template: GridLevel, key: Key, sizes: GridSizes) -> GridLevel:
    """Places start and objects on distinct free cells."""
    priority: Array = jnp.where(template.walls, -1.0, jax.random.uniform(key, (sizes.cells,)))
    start, *cells = jax.lax.top_k(priority, 1 + sizes.objects)[1].astype(jnp.int32)
    placed = jnp.where(template.object_cell >= 0, jnp.stack(cells), -1)
    return dataclasses.replace(template, start=start, object_cell=placed)
