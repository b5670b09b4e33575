"""Replay of whole trajectories, for rules that learn from a transition many times.

A rule that replays keeps a `Replay` in its memory of the lifetime (`UpdateRule.begin`). Rules without one stay
on-policy.
"""

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.types import Array, Key, PyTree
from groove.utils.errors import ConfigError


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Replay:
    """The last C trajectories of one agent, in the order of a ring."""

    stored: PyTree  # [C, ...]
    added: Array  # int32 []: trajectories added so far

    @property
    def capacity(self) -> int:
        """C."""
        return int(jax.tree.leaves(self.stored)[0].shape[0])

    @property
    def filled(self) -> Array:
        """The number of trajectories that are there, int32 []."""
        return jnp.minimum(self.added, self.capacity)


def make_replay(one: PyTree, capacity: int) -> Replay:
    """Return a replay without trajectories.

    Args:
      one: arrays of the shapes and types of one trajectory.
      capacity: C.
    """
    stored = jax.tree.map(lambda x: jnp.zeros((capacity, *x.shape), x.dtype), one)
    return Replay(stored, added=jnp.int32(0))


def add(replay: Replay, new: PyTree) -> Replay:
    """Add W trajectories, [W, ...], in the place of the oldest ones.

    Raises:
      ConfigError: if there are more of them than the replay holds.
    """
    count = jax.tree.leaves(new)[0].shape[0]
    if count > replay.capacity:
        raise ConfigError(
            f"a replay of {replay.capacity} trajectories cannot hold those of {count} workers: set capacity={count} or "
            "more."
        )
    places = (replay.added + jnp.arange(count)) % replay.capacity
    stored = jax.tree.map(lambda old, x: old.at[places].set(x, unique_indices=True), replay.stored, new)
    return dataclasses.replace(replay, stored=stored, added=replay.added + count)


def draw(replay: Replay, key: Key, count: int) -> PyTree:
    """Draw trajectories with replacement, [count, ...]; all that are there are equally likely."""
    chosen = jax.random.randint(key, (count,), 0, replay.filled)
    return jax.tree.map(lambda x: x[chosen], replay.stored)
