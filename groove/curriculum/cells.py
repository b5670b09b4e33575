"""The cells of an archive of levels: which level holds a cell, and candidates that are changed towards a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove.curriculum.identity import content_hash
from groove.envs.base import EnvFamily
from groove.envs.level_axes import Axis
from groove.types import Array, Key, PyTree
from groove.utils.arrays import select, standardised


@dataclass(frozen=True)
class Cells:
    """The cells of two features of levels; a cell has a number, and -1 stands for no cell.

    Attributes:
      env: the family of the levels, which has features.
      axes: two features, cut into ranges.
    """

    env: EnvFamily
    axes: Sequence[Axis]

    def __len__(self) -> int:
        return int(np.prod([len(axis) for axis in self.axes]))

    def of(self, levels: PyTree) -> Array:
        """Return the cells of levels [n], int32 [n]; -1 where a feature is undefined."""
        assert self.env.describe is not None
        features = jax.vmap(self.env.describe)(levels)
        cell, known = jnp.int32(0), jnp.bool_(True)
        for axis in self.axes:
            value = features[axis.feature]
            cell = cell * len(axis) + jnp.searchsorted(jnp.asarray(axis.edges, jnp.float32), value, side="right")
            known = known & jnp.isfinite(value)
        return jnp.where(known, cell, -1).astype(jnp.int32)

    @property
    def distances(self) -> npt.NDArray[np.float32]:
        """The number of steps between neighbouring ranges from one cell to another, f32 [C, C]."""
        places = np.stack(np.unravel_index(np.arange(len(self)), [len(axis) for axis in self.axes]))
        return np.abs(places[:, :, None] - places[:, None]).sum(0).astype(np.float32)


def holders(cell: Array, mean: Array, settled: Array, count: int) -> Array:
    """Return the place of the level that holds each cell, int32 [C]; -1 for an empty cell.

    The settled level with the highest mean holds the cell, the first of them where several have it.

    Args:
      cell: int32 [B], -1 for none.
      mean: f32 [B], the mean score.
      settled: bool [B], the levels that may hold a cell.
      count: C.
    """
    settled = settled & (cell >= 0)
    row = jnp.where(settled, cell, count)  # out of bounds: dropped
    best = jnp.full(count, -jnp.inf).at[row].max(mean, mode="drop")
    is_best = settled & (mean == best[cell])
    places = cell.shape[0]
    first = jnp.full(count, places).at[jnp.where(is_best, cell, count)].min(jnp.arange(places), mode="drop")
    return jnp.where(first < places, first, -1).astype(jnp.int32)


def beaten(cell: Array, mean: Array, settled: Array, holder: Array) -> Array:
    """Return which levels have lost the contest for their cell, bool [B].

    A settled level loses unless it holds its cell. Another level loses unless its mean is above that of the holder.
    Levels without a cell lose.

    Args:
      cell: int32 [B], -1 for none.
      mean: f32 [B], the mean score.
      settled: bool [B], the levels that may hold a cell.
      holder: int32 [C], from `holders`.
    """
    own = holder[cell]
    holds = own == jnp.arange(cell.shape[0])
    ahead = (own < 0) | (mean > mean[own])
    return (cell < 0) | jnp.where(settled, ~holds, ~ahead)


def target_logits(score: Array, held: Array, bias: float) -> Array:
    """Return the logits by which cells are drawn as targets, f32 [C]: weak cells are likelier.

    The logits are -bias times the standardised score of the cell's level. An empty cell counts like the weakest level.

    Args:
      score: f32 [C], of the level in the cell.
      held: bool [C], the cells that have a level.
      bias: 0 draws all cells alike.
    """
    weakest = jnp.min(jnp.where(held, score, jnp.inf))
    known = jnp.where(held, score, jnp.where(held.any(), weakest, 0.0))
    return -bias * standardised(known, jnp.ones_like(held))


def towards(cells: Cells, key: Key, parents: PyTree, targets: Array, tries: int) -> tuple[PyTree, Array]:
    """Change levels several times each, and return the changed level that is nearest to its target cell.

    Changes are edits and, in families that have it, noise on the numbers, turn about. A change that leaves the level as
    it was does not count.

    Args:
      cells: of the archive.
      key: the randomness of the changes.
      parents: leaves [n, ...].
      targets: int32 [n], cells.
      tries: changes of each level.

    Returns:
      The levels, leaves [n, ...], and whether any change counts: it must be new and lie in a cell; bool [n].
    """
    env, n = cells.env, targets.shape[0]
    changes = [change for change in (env.mutate, env.perturb) if change is not None]
    keys = jax.random.split(key, (tries, n))
    children = [jax.vmap(changes[i % len(changes)])(keys[i], parents) for i in range(tries)]
    distances, old = jnp.asarray(cells.distances), content_hash(parents)
    costs = []
    for child in children:
        cell = cells.of(child)
        counts = (cell >= 0) & (content_hash(child) != old).any(-1)
        costs.append(jnp.where(counts, distances[targets, cell], jnp.inf))
    nearest, cost = children[0], costs[0]
    for child, other in zip(children[1:], costs[1:], strict=True):
        nearest = jax.tree.map(lambda new, old, nearer=other < cost: select(nearer, new, old), child, nearest)
        cost = jnp.minimum(cost, other)
    return nearest, jnp.isfinite(cost)
