"""The pytrees that cross module borders, and the letters their axes go by.

Axes are named once, here, and nowhere else by another letter:

    N  slots (lifetimes trained at once)      W  environment workers of one slot
    T  steps of a rollout, time-major         K  agent updates of one meta-step
    L  lifetime, in agent updates             A  actions
    Y  width of the prediction head           B  places in the level buffer
    O  objects of a gridworld level           S  side of the padded grid

State is arrays in frozen dataclasses; behaviour is NamedTuples of pure functions. No function lives in a pytree.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

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
class LevelMemory:
    """What earlier lifetimes on a level found out, so that it need not be found out again."""

    best_return: Array  # f32 [N]: of any complete episode of a student; -inf before the first
    optimal_return: Array  # f32 [N]: NaN until computed

    @staticmethod
    def blank(n: int) -> "LevelMemory":
        """Of n levels nothing is known of."""
        return LevelMemory(best_return=jnp.full(n, -jnp.inf, float), optimal_return=jnp.full(n, jnp.nan, float))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelOutcome:
    """What the lifetimes that ended in this meta-step say of their levels; NaN where not finished or not asked for.

    Returns are undiscounted. "At the end" is of evaluation episodes after the last update; value losses and the value
    are means over the last rollout of the lifetime, under the critic that lived beside the student.
    """

    finished: Array  # bool [N]
    student_return: Array  # f32 [N]: mean at the end
    student_variance: Array  # f32 [N]: of the return between episodes at the end
    student_largest: Array  # f32 [N]: the largest absolute return among them
    antagonist_return: Array  # f32 [N]: mean at the end, of the best antagonist
    optimal_return: Array  # f32 [N]: expected, of the best policy
    best_return: Array  # f32 [N]: of the best complete episode of a student in any lifetime on the level
    positive_value_loss: Array  # f32 [N]: mean of max(A_t, 0), A_t the generalised advantage
    l1_value_loss: Array  # f32 [N]: mean of |A_t|
    value: Array  # f32 [N]: mean of V(s_t)

    @staticmethod
    def unknown(finished: Array) -> "LevelOutcome":
        """The outcome of which nothing was asked."""
        nan = jnp.full(finished.shape, jnp.nan)
        return LevelOutcome(finished, *[nan] * (len(dataclasses.fields(LevelOutcome)) - 1))
