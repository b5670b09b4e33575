"""The pytrees that cross module borders, and the letters their axes go by.

Axes are named once, here, and nowhere else by another letter:

    N  slots (lifetimes trained at once)      W  environment workers of one slot
    T  steps of a rollout, time-major         K  agent updates of one meta-step
    L  lifetime, in agent updates             A  actions
    Y  width of the prediction head           B  places in the level buffer
    O  objects of a gridworld level           S  side of the padded grid

State is arrays in frozen dataclasses; behaviour is NamedTuples of pure functions. No function lives in a pytree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax

Array: TypeAlias = jax.Array
Key: TypeAlias = jax.Array
PyTree: TypeAlias = Any
Params: TypeAlias = Any
Heads: TypeAlias = dict[str, Array]  # head name -> [..., width]
Metrics: TypeAlias = Mapping[str, Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rollout:
    """A batch of W environment workers' T steps, time-major."""

    obs: Array  # [T, W, ...]; int32 [T, W] for tabular environments
    action: Array  # int32 [T, W]
    reward: Array  # f32 [T, W]
    terminated: Array  # bool [T, W]: the episode ended by the environment's own rules
    truncated: Array  # bool [T, W]: the episode was cut off by its time limit; never both
    next_obs: Array  # as obs: the true successor, never the observation after a reset


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Learner:
    """One agent in the middle of its lifetime."""

    params: Params
    opt_state: PyTree
    updates: Array  # int32 []: agent updates done
    lifetime: Array  # int32 []: agent updates in the whole lifetime


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelOutcome:
    """What the lifetimes that ended in this meta-step say of their levels; NaN where not finished or not asked for."""

    finished: Array  # bool [N]
    student_return: Array  # f32 [N]: mean undiscounted return of evaluation episodes
    antagonist_return: Array  # f32 [N]
