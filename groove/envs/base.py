"""The interface that every family of environments implements.

`noise` draws all the randomness of a batch of steps at once. A step is then a deterministic function of
(level, state, action, noise). Drawing in bulk is several times cheaper than splitting a key in every step. Two runs can
also share their random numbers, and a reference implementation can be compared step by step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax

from groove.types import Array, Key, PyTree
from groove.utils.paths import PathLike


class Discrete(NamedTuple):
    """A space of int32 indices in [0, size)."""

    size: int


class Box(NamedTuple):
    """A space of arrays of one shape: float32, or bool or uint8 to save memory (networks convert them)."""

    shape: tuple[int, ...]


class MultiHot(NamedTuple):
    """A space of sparse binary vectors of length `size`: int32 [active] indices in [0, size); -1 marks an unused entry.

    Networks convert the indices to a vector of zeros and ones where they need it; the vector is never stored.
    """

    size: int
    active: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Step:
    """The result of one environment step, before any reset."""

    state: PyTree
    obs: Array  # the true successor, also at the end of an episode
    reward: Array  # f32 []
    terminated: Array  # bool []
    truncated: Array  # bool []; never true together with terminated


class Factor(NamedTuple):
    """One thing that a curriculum may choose about a level, and the random numbers that decide about it."""

    name: str
    places: tuple[int, ...]


class Design(NamedTuple):
    """How a family makes levels from random numbers, for curricula that learn which levels to make.

    Attributes:
      make: u f32 [draws] -> level. Levels are random ones if all numbers are uniform in [0, 1).
      draws: number of random numbers.
      factors: what a curriculum may choose, for instance the size, and its places in u. No two factors share a place.
    """

    make: Callable[[Array], PyTree]
    draws: int
    factors: tuple[Factor, ...]


class Editor(NamedTuple):
    """How a family builds levels by one placement after another, for curricula that learn what to place where.

    A draft is a level in the making, a pytree. Placement t of a draft is one of `cells` choices, or none.

    Attributes:
      placements: the largest number of placements of a level.
      cells: the number of choices of each placement.
      width: of the observation of a draft.
      begin: key -> draft in which nothing is placed yet; the key decides all that is not placed.
      again: (finished level, choices int32 [placements]) -> the draft from which these choices built the level.
      allowed: (draft, t) -> bool [cells], the choices that lead to a valid level; none if placement t is left out.
      place: (draft, t, choice int32 []) -> draft; a choice of -1 changes nothing.
      observe: (draft, t) -> f32 [width]: the draft, and what placement t places.
      finish: draft -> the level, after all placements.
    """

    placements: int
    cells: int
    width: int
    begin: Callable[[Key], PyTree]
    again: Callable[[PyTree, Array], PyTree]
    allowed: Callable[[PyTree, Array], Array]
    place: Callable[[PyTree, Array, Array], PyTree]
    observe: Callable[[PyTree, Array], Array]
    finish: Callable[[PyTree], PyTree]


class EnvFamily(NamedTuple):
    """A distribution of levels and the dynamics that they share. Every function takes one level; vmap batches it.

    Attributes:
      name: the name in the registry.
      num_actions: A.
      observation: the space of the observations that `reset` and `step` return.
      sample_level: key -> level, drawn from the base distribution.
      noise: (key, shape) -> the randomness of that many steps or resets, a pytree whose leaves begin with `shape`.
      reset: (level, noise) -> (state, obs).
      step: (level, state, action, noise) -> Step. A step never resets.
      lifetime: level -> int32 [], agent updates.
      max_steps: level -> int32 [], environment steps of the longest episode.
      optimal_return: level -> f32 [], the expected undiscounted return of the best policy. None if there is no solver.
      mutate: (key, level) -> level with a small random change that keeps it valid, for curricula that edit levels.
        None if levels cannot be edited.
      perturb: (key, level) -> level with Gaussian noise on its numbers, such as rewards and limits, in their ranges.
        The lifetime stays. None if the family has no such noise.
      design: how levels are made, for curricula that design levels. None if only `sample_level` makes levels.
      editor: how levels are built placement by placement, for curricula that learn to do so. None if they cannot be.
      describe: level -> features for logs and tables, name -> f32 [], NaN where a feature is undefined. All levels of
        a family have the same names. None if the family has no features.
      draw: (levels, titles, file) -> None, which saves a picture of concrete levels under their titles. None if levels
        cannot be drawn.
    """

    name: str
    num_actions: int
    observation: Discrete | MultiHot | Box
    sample_level: Callable[[Key], PyTree]
    noise: Callable[[Key, tuple[int, ...]], PyTree]
    reset: Callable[[PyTree, PyTree], tuple[PyTree, Array]]
    step: Callable[[PyTree, PyTree, Array, PyTree], Step]
    lifetime: Callable[[PyTree], Array]
    max_steps: Callable[[PyTree], Array]
    optimal_return: Callable[[PyTree], Array] | None = None
    mutate: Callable[[Key, PyTree], PyTree] | None = None
    perturb: Callable[[Key, PyTree], PyTree] | None = None
    design: Design | None = None
    editor: Editor | None = None
    describe: Callable[[PyTree], dict[str, Array]] | None = None
    draw: Callable[[Sequence[PyTree], Sequence[str], PathLike], None] | None = None
