"""Earlier versions of the learned rule itself, as antagonists (self-play against past selves).

A past self at share c is the rule as it was after between c^2 and c of the meta-steps so far: a copy is taken at
meta-steps 1, 1/c, 1/c^2, ..., and the copy before the last one is the past self. Two copies are all that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove.types import Array


@dataclass(frozen=True)
class PastSelf:
    """Stands for the parameters of an antagonist that is a past self: its number in `TrainState.past`."""

    number: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Copies:
    """Two copies of the rule's parameters."""

    older: Any  # the past self
    newer: Any
    taken: Array  # f32 []: the meta-step of the newer copy


def first_copies(eta: Any, shares: Sequence[float]) -> tuple[Copies, ...]:
    """Return the copies at the beginning of a run, one pair for each share: the rule before meta-training."""
    return tuple(Copies(eta, eta, jnp.float32(1)) for _ in shares)


def take_copies(past: tuple[Copies, ...], eta: Any, step: Array, shares: Sequence[float]) -> tuple[Copies, ...]:
    """Take a new copy wherever the newer one is old enough.

    Args:
      past: the copies.
      eta: the parameters after this meta-step.
      step: int32 [], meta-steps done, this one included.
      shares: c of each past self, in (0, 1).
    """
    return tuple(_taken(copies, eta, step, share) for copies, share in zip(past, shares, strict=True))


def parameters_of(eta: Any, past: tuple[Copies, ...]) -> Any:
    """Return the parameters of an antagonist: its own, or those of the past self that `PastSelf` stands for."""
    return past[eta.number].older if isinstance(eta, PastSelf) else eta


def _taken(copies: Copies, eta: Any, step: Array, share: float) -> Copies:
    due = share * step.astype(jnp.float32) >= copies.taken
    latest = Copies(copies.newer, eta, step.astype(jnp.float32))
    return jax.tree.map(lambda new, old: jnp.where(due, new, old), latest, copies)
