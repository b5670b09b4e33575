"""The search: batches of levels are evaluated, placed in an archive, and changed into new ones.

Three methods share everything but the choice of parents::

    archive   the elite of a cell, drawn with a probability of 1 / rank by regret: MAP-Elites
    best      one of the levels of highest regret so far, as many as the archive has cells: search without diversity
    random    none: every level is drawn from the distribution of levels

The first quarter of the levels is random under every method, and the same. A child is an edit of its parent, or its
parent with Gaussian noise on its numbers, with even chances.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from groove.envs.base import EnvFamily
from groove.envs.level_axes import Axis
from groove.evaluation.failures.search.archive import Archive, Indices
from groove.types import Key, PyTree, Stream
from groove.utils.bootstrap import Floats

METHODS = ("archive", "best", "random")
RANDOM_SHARE = 4  # one in so many levels is random before the first is changed
_SAMPLE, _CHANGE, _TRY = range(3)  # folded into the key of a batch

Evaluate = Callable[[PyTree, Key, int], Floats]  # (levels [n], key, number of levels before) -> f64[rules, n]


@dataclass(frozen=True)
class Evaluated:
    """The levels that were evaluated, in this order.

    Attributes:
      levels: GridLevel [n], as NumPy arrays.
      returns: f64[rules, n], the rule's return first, then those of its references.
      cells: i64[n, 2], the range of each level on each axis, -1 where the feature is undefined.
    """

    levels: Any
    returns: Floats
    cells: Indices

    def __len__(self) -> int:
        return self.returns.shape[1]

    @property
    def regret(self) -> Floats:
        """The return of the best reference minus that of the rule, f64[n]."""
        return regret_of(self.returns)

    def and_then(self, later: "Evaluated") -> "Evaluated":
        """Return these levels followed by others."""
        levels = jax.tree.map(lambda a, b: np.concatenate([a, b]), self.levels, later.levels)
        returns = np.concatenate([self.returns, later.returns], axis=1)
        return Evaluated(levels, returns, np.concatenate([self.cells, later.cells]))

    def place(self, archive: Archive, start: int = 0) -> None:
        """Offer the levels from number `start` on to an archive."""
        archive.add(np.arange(start, len(self)), self.regret[start:], self.cells[start:])


def regret_of(returns: Floats) -> Floats:
    """Return the best reference's return minus the rule's, f64[n], for f64[1 + references, n]."""
    best: Floats = returns[1:].max(0)
    return best - returns[0]


@dataclass(frozen=True)
class Search:
    """A search, whose batches depend on the levels before them and on the seed alone: it can be stopped and resumed.

    Attributes:
      method: one of METHODS.
      env: the family of the levels.
      axes: of the archive.
      levels: number of levels to evaluate.
      batch: levels of a batch.
      seed: of everything random.
    """

    method: str
    env: EnvFamily
    axes: Sequence[Axis]
    levels: int
    batch: int
    seed: int

    def run(self, evaluate: Evaluate, done: Evaluated | None = None) -> Iterator[Evaluated]:
        """Evaluate one batch after another; yield all levels so far after each.

        Args:
          evaluate: trains the agents.
          done: the levels of an earlier call, which are not evaluated again.
        """
        archive = Archive(self.axes)
        if done is not None:
            done.place(archive)
        while (before := 0 if done is None else len(done)) < self.levels:
            key = self._key(before)
            levels = self._propose(key, before, done, archive)
            levels = jax.tree.map(lambda x, n=self.levels - before: np.asarray(x)[:n], levels)
            returns = evaluate(levels, jax.random.fold_in(key, _TRY), before)
            batch = Evaluated(levels, returns, self.cells_of(levels))
            done = batch if done is None else done.and_then(batch)
            done.place(archive, before)
            yield done

    def cells_of(self, levels: PyTree) -> Indices:
        """Return the range of each level on each axis, i64[n, 2], -1 where the feature is undefined."""
        features = describe(self.env, levels)
        return np.stack([axis.ranges(features[axis.feature]) for axis in self.axes], axis=1)

    def _key(self, before: int) -> Key:
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), Stream.DIAGNOSIS), before)

    def _propose(self, key: Key, before: int, done: Evaluated | None, archive: Archive) -> PyTree:
        """Return the next batch, GridLevel [batch]."""
        parents = self._parents(key, before, done, archive)
        if parents is None or done is None:
            return random_levels(self.env, jax.random.split(jax.random.fold_in(key, _SAMPLE), self.batch))
        chosen = jax.tree.map(lambda x: jnp.asarray(x[parents]), done.levels)
        return _change(self.env, jax.random.split(jax.random.fold_in(key, _CHANGE), self.batch), chosen)

    def _parents(self, key: Key, before: int, done: Evaluated | None, archive: Archive) -> Indices | None:
        """Return the numbers of the parents, i64[batch]; None for a batch of random levels."""
        if self.method == "random" or before * RANDOM_SHARE < self.levels or done is None:
            return None
        pool = archive.elites
        if self.method == "best":
            placed = (done.cells >= 0).all(1)
            ranked = np.argsort(np.where(placed, -done.regret, np.inf), kind="stable")
            pool = ranked[: min(archive.cells, int(placed.sum()))]
        if not len(pool):
            return None
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        if self.method == "best":
            return rng.choice(pool, self.batch)
        # regrets differ by factors of a hundred, and children of the worst levels become elites of other cells
        odds = 1.0 / (1 + np.argsort(np.argsort(-done.regret[pool], kind="stable")))
        return rng.choice(pool, self.batch, p=odds / odds.sum())


@functools.lru_cache(maxsize=8)
def _features(env: EnvFamily) -> Callable[[PyTree], dict[str, jax.Array]]:
    assert env.describe is not None
    return jax.jit(jax.vmap(env.describe))


def describe(env: EnvFamily, levels: PyTree) -> dict[str, Floats]:
    """Return the features of levels [n], feature -> f64[n], NaN where undefined."""
    return {name: np.asarray(x, np.float64) for name, x in _features(env)(levels).items()}


@functools.partial(jax.jit, static_argnums=0)
def random_levels(env: EnvFamily, keys: Key) -> PyTree:
    """Return one level of the family's own distribution for each key."""
    return jax.vmap(env.sample_level)(keys)


@functools.partial(jax.jit, static_argnums=0)
def _change(env: EnvFamily, keys: Key, levels: PyTree) -> PyTree:
    """Return an edit of every other level, and the others with noise on their numbers."""
    mutate, perturb = env.mutate, env.perturb
    assert mutate is not None
    assert perturb is not None

    def change(key: Key, level: Any, edit: jax.Array) -> Any:
        edited = dataclasses.replace(mutate(key, level), lifetime=level.lifetime)
        return jax.tree.map(lambda a, b: jnp.where(edit, a, b), edited, perturb(key, level))

    return jax.vmap(change)(keys, levels, jnp.arange(len(keys)) % 2 == 0)
