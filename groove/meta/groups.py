"""Groups: the levels in use at once, split by the kind of agent that lives on them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from groove.curriculum.base import Curriculum
from groove.meta.slots import Setup
from groove.types import Key


class Group(NamedTuple):
    """Some of the levels in use at once, whose agents are of one kind.

    Attributes:
      name: for logs and pictures.
      setup: the static parts of the slots.
      curriculum: chooses the levels.
      size: levels in use at once: one for each slot, or for each pair of candidates.
    """

    name: str
    setup: Setup
    curriculum: Curriculum
    size: int


def pack(parts: Sequence[Any]) -> Any:
    """Return the parts of the groups as a state holds them: in a tuple, or the part itself if there is one group."""
    return parts[0] if len(parts) == 1 else tuple(parts)


def unpack(packed: Any, groups: Sequence[Group]) -> tuple[Any, ...]:
    """Return the part of each group: the inverse of `pack`."""
    return (packed,) if len(groups) == 1 else packed


def split_key(key: Key, groups: Sequence[Group]) -> list[Key]:
    """Return one key for each group; the key itself if there is one group."""
    return [key] if len(groups) == 1 else list(jax.random.split(key, len(groups)))
