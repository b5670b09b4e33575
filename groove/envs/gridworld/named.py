"""The named gridworlds of LPG: five handcrafted tabular levels and five random grids.

Sizes, objects, time limits and walls are those of Oh et al. (2020), confirmed by appendix C and the public code of
Jackson et al. (2023). Two grids that are rectangular in LPG are square here, as in the public code: 5x7 is 7x7 and 7x9
is 9x9. `longer_horizon` has 5 negative objects, as in LPG (3 in the public code). LPG has nine actions and the public
code five; the action set is a property of the sizes (`diagonal`), not of a level.

In a tabular level, the start and the objects' cells are drawn once and kept for the lifetime. In a random grid they are
drawn anew at each reset, and an object's cell whenever the object respawns.
"""

import dataclasses
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
from groove.utils.errors import GrooveError, unknown_name


class Objects(NamedTuple):
    """Objects of one kind."""

    number: int
    reward: float  # on collecting
    p_terminate: float  # probability that collecting ends the episode
    p_respawn: float  # probability per step that an absent object returns


@dataclass(frozen=True)
class NamedLevel:
    """A level without the cells of its objects and of its start.

    Attributes:
      size: side of the grid.
      max_steps: the time limit, environment steps.
      objects: the kinds of objects.
      walls: cells (row, column).
      placement: "fixed" (a tabular level) or "random" (a random grid).
    """

    size: int
    max_steps: int
    objects: tuple[Objects, ...]
    walls: tuple[tuple[int, int], ...] = ()
    placement: Literal["fixed", "random"] = "fixed"

    @property
    def lifetime(self) -> int:
        """The lifetime of an agent, agent updates."""
        return 2500 if self.placement == "fixed" else 25_000

    @property
    def object_table(self) -> np.ndarray:
        """Reward, p_terminate and p_respawn of each object, f32 [O, 3]."""
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


def named_sizes(names: Iterable[str] = tuple(NAMED), diagonal: bool = False) -> GridSizes:
    """Return the smallest sizes that hold the named levels: side 13 and 7 objects for all ten.

    Args:
      names: names of levels, keys of `NAMED`.
      diagonal: nine actions instead of five.

    Raises:
      GrooveError: on an unknown name.
    """
    levels = [_named(name) for name in names]
    objects = max(len(level.object_table) for level in levels)
    return GridSizes(side=max(level.size for level in levels), objects=objects, diagonal=diagonal)


def make_level(name: str, key: Key, sizes: GridSizes) -> GridLevel:
    """Draw a named level, with start and objects on distinct free cells, uniformly.

    Args:
      name: a key of `NAMED`.
      key: the only source of randomness.
      sizes: static sizes of the level.

    Raises:
      GrooveError: on an unknown name, or if the sizes do not hold the level.
    """
    return _scatter(_template(name, sizes), key, sizes)


def make_named_family(names: Iterable[str], sizes: GridSizes | None = None) -> EnvFamily:
    """Build the family of gridworlds whose `sample_level` draws one of the named levels, uniformly.

    Args:
      names: keys of `NAMED` that share a placement. Tabular levels are observed as an index, random grids as planes.
      sizes: static sizes that all levels share; by default the smallest that hold the levels, with five actions.

    Raises:
      GrooveError: on an unknown name, no name, names of both placements, or sizes that do not hold a level.
    """
    names = tuple(names)
    placements = {_named(name).placement for name in names}
    if len(placements) != 1:
        raise GrooveError(f"give at least one name, and names of one placement only, fixed or random; got {names}.")
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
    """Build the family of LPG's five random grids, with lifetimes from the range of `levels`.

    Args:
      levels: gives `min_lifetime` and `max_lifetime`, agent updates; the other fields are ignored.
      sizes: gives `diagonal`; the other fields are ignored, and the grids get the smallest sizes that hold them.
    """
    family = make_named_family(RANDOM_GRIDS, named_sizes(RANDOM_GRIDS, sizes.diagonal))
    return family._replace(sample_level=with_lifetimes(family.sample_level, levels))


def _named(name: str) -> NamedLevel:
    if name not in NAMED:
        raise unknown_name("gridworld level", name, NAMED)
    return NAMED[name]


def _template(name: str, sizes: GridSizes) -> GridLevel:
    """Return a named level whose start and objects still lie on cell 0."""
    named = _named(name)
    table = named.object_table
    if named.size > sizes.side or len(table) > sizes.objects:
        raise GrooveError(
            f'level "{name}" has side {named.size} and {len(table)} objects, more than side {sizes.side} and '
            f"{sizes.objects} objects; use named_sizes()."
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
    """Draw distinct free cells for the start and the objects of a level."""
    priority: Array = jnp.where(template.walls, -1.0, jax.random.uniform(key, (sizes.cells,)))
    start, *cells = jax.lax.top_k(priority, 1 + sizes.objects)[1].astype(jnp.int32)
    placed = jnp.where(template.object_cell >= 0, jnp.stack(cells), -1)
    return dataclasses.replace(template, start=start, object_cell=placed)
