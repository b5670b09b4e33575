"""The interface every family of environments implements.

All the randomness of a batch of steps is drawn at once by `noise`; a step is then a deterministic function of
(level, state, action, noise). Drawing in bulk is several times cheaper than a key per step, and makes common random
numbers and step-by-step comparison with a reference trivial.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax

from groove.types import Array, Key, PyTree


class Discrete(NamedTuple):
    """Observations are int32 indices in [0, size)."""

    size: int


class Box(NamedTuple):
    """Observations are arrays of this shape: float32, or bool or uint8 to be stored cheaply; networks convert them."""

    shape: tuple[int, ...]


class MultiHot(NamedTuple):
    """Observations say what is there: int32 [active], indices in [0, size), or -1 for nothing.

    To a network they are a vector of zeros with a one at each index, which is made where it is needed and never stored.
    """

    size: int
    active: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Step:
    """What one environment step returns, before any reset."""

    state: PyTree
    obs: Array  # the true successor, also at the end of an episode
    reward: Array  # f32 []
    terminated: Array  # bool []
    truncated: Array  # bool []; never true together with terminated


class EnvFamily(NamedTuple):
    """A distribution of levels and the dynamics they share; every function is of one level, to be batched by vmap.

    Attributes:
      name: as in the registry.
      num_actions: A.
      observation: what `reset` and `step` return as observations.
      sample_level: key -> level, from the base distribution.
      noise: (key, shape) -> pytree whose leaves begin with `shape`, the randomness of that many steps or resets.
      reset: (level, noise) -> (state, obs).
      step: (level, state, action, noise) -> Step. Does not reset.
      lifetime: level -> int32 [], agent updates.
      max_steps: level -> int32 [], the longest episode, environment steps.
      optimal_return: level -> f32 [], the expected undiscounted return of the best policy; None where unknown.
      mutate: (key, level) -> level, a random small change that leaves the level valid, for curricula that edit
        levels; None where levels cannot be edited.
      describe: level -> the level in numbers, name -> f32 [], NaN where a number is undefined; the names are the
        same for all levels of the family. None where there is nothing to say.
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
    describe: Callable[[PyTree], dict[str, Array]] | None = None
