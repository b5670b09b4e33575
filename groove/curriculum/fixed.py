"""A fixed distribution of levels: domain randomisation if the levels are random, as in LPG (Oh et al. 2020)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.types import Array, Key, LevelMemory, LevelOutcome, Metrics, PyTree


def make_dr(sample_level: Callable[[Key], PyTree]) -> Curriculum:
    """Build a curriculum that draws every level anew, without state; every id is -1.

    Args:
      sample_level: key -> level.
    """

    def init(key: Key, n: int) -> tuple[Any, PyTree, Array]:
        return sample((), key, jnp.ones((n,), bool))

    def sample(state: Any, key: Key, wanted: Array) -> tuple[Any, PyTree, Array]:
        n = wanted.shape[0]
        return state, jax.vmap(sample_level)(jax.random.split(key, n)), jnp.full((n,), -1, jnp.int32)

    def update(state: Any, ids: Array, outcome: LevelOutcome) -> Any:
        return state

    def metrics(state: Any) -> Metrics:
        return {}

    return Curriculum(
        name="dr",
        needs=frozenset(),
        init=init,
        sample=sample,
        update=update,
        recall=lambda state, ids: LevelMemory.blank(ids.shape[0]),
        weight=lambda state, ids: jnp.ones(ids.shape),
        metrics=metrics,
        top=None,
    )
