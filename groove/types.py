"""The pytrees that several folders share, the letters of their axes, and the streams of randomness.

Every axis has one letter, declared here and used everywhere:

    N  slots (lifetimes trained at once)      W  environment workers of one slot
    T  steps of a rollout, time-major         K  agent updates of one meta-step
    L  lifetime, in agent updates             A  actions
    Y  width of the prediction head           B  places in the level buffer
    S  candidates of an ES generation         O  objects of a gridworld level
    G  side of the padded grid                H  width of the recurrent core
    C  classes of objects of a world          M  objects of a class
    P  player's shots in flight in a world    D  longest delay of a world's rewards

State is arrays in frozen dataclasses. Behaviour is NamedTuples of pure functions. No function lives in a pytree.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
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

LOGITS = "logits"  # the head of the policy: logits over A actions
VALUE = "value"  # the head of a value function, of width 1
PREDICTION = "y"  # the head of LPG's prediction: logits over Y categories


class Stream(enum.IntEnum):
    """Integers that are folded into keys, so that every use of randomness has a stream of its own.

    Keys are folded from identity (seed, slot, lifetime, update) and never carried along, so that results do not depend
    on micro-batches or on the number of devices. Streams that are folded into different keys may share an integer; the
    integers are part of what a seed means and must not change.
    """

    # folded into the key of a run, in training
    INIT = 0
    META_STEP = 1
    UNSEEN_LEVELS = 0x5EED
    LEVEL_SET = 0x5E7
    VALIDATION = 0xA6E
    GENERATED_LEVELS = 0x6E7
    RECORD = 0x4EC04D
    # folded into the key of a slot
    STUDENT = 0
    ANTAGONIST = 1
    CRITIC = 2
    # folded, with the number of updates done, into the key of a lifetime
    TRAIN = 0
    VALIDATE = 1
    EVALUATE = 2
    UPDATE = 3
    BIRTH = 4
    START = 5
    # folded, with the number of updates done, into the key of a lifetime on the host
    HOST_BIRTH = 0
    HOST_START = 1
    HOST_ACT = 2
    HOST_UPDATE = 3
    HOST_EVALUATE = 4
    # folded into the key of a task, in evaluation
    TASK_LEVELS = 0x1E7E15
    TASK_AGENTS = 0xA6E27
    DIAGNOSIS = 0xD1A6


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Rollout:
    """T steps of W environment workers, time-major.

    The losses of `groove.load` and `groove.torch.load` ignore the rows that `mask` hides. Rollouts of meta-training
    have no mask.
    """

    obs: Array  # [T, W, ...]; int32 [T, W] for tabular environments
    action: Array  # int32 [T, W]
    reward: Array  # f32 [T, W]
    terminated: Array  # bool [T, W]: the episode ended by the environment's own rules
    truncated: Array  # bool [T, W]: the episode was cut off by its time limit; never both
    next_obs: Array  # as obs: the true successor, never the observation after a reset
    mask: Array | None = None  # bool [T, W]: false where a row is padding or only a reset; None if all rows count


@dataclass(frozen=True)
class Learner:
    """One agent in the middle of its lifetime.

    A rule without a state leaves no trace in the tree: checkpoints of versions in which no rule had one stay readable.
    """

    params: Params
    opt_state: PyTree
    updates: Array  # int32 []: agent updates done
    lifetime: Array  # int32 []: agent updates in the whole lifetime
    rule_state: PyTree = ()  # what the rule remembers of this lifetime, such as a running scale of rewards

    def after_update(self, params: Params, opt_state: PyTree) -> "Learner":
        """Return the learner one update later, with new parameters."""
        return dataclasses.replace(self, params=params, opt_state=opt_state, updates=self.updates + 1)

    def _flatten(self) -> tuple[list[tuple[Any, PyTree]], tuple[str, ...]]:
        names = tuple(f.name for f in dataclasses.fields(self) if f.name != "rule_state" or self.rule_state != ())
        return [(jax.tree_util.GetAttrKey(name), getattr(self, name)) for name in names], names

    @classmethod
    def _unflatten(cls, names: tuple[str, ...], children: Iterable[PyTree]) -> "Learner":
        return cls(**dict(zip(names, children, strict=True)))


jax.tree_util.register_pytree_with_keys(Learner, Learner._flatten, Learner._unflatten)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelMemory:
    """Results of earlier lifetimes on N levels."""

    best_return: Array  # f32 [N]: highest return of a student's complete episode; -inf before the first episode
    optimal_return: Array  # f32 [N]: expected return of the best policy; NaN until computed

    @staticmethod
    def blank(n: int) -> "LevelMemory":
        """Return the memory of n levels with no recorded results."""
        return LevelMemory(best_return=jnp.full(n, -jnp.inf, float), optimal_return=jnp.full(n, jnp.nan, float))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LevelOutcome:
    """Results of the lifetimes that ended in this meta-step; NaN where a lifetime goes on or a field is not needed.

    Returns are undiscounted. "At the end" refers to evaluation episodes after the last update. Value losses and values
    are means over the last rollout of the lifetime, under the critic that was trained beside the student.
    """

    finished: Array  # bool [N]
    student_return: Array  # f32 [N]: mean at the end
    student_variance: Array  # f32 [N]: variance of the return over episodes at the end
    student_largest: Array  # f32 [N]: largest absolute return over episodes at the end
    student_best: Array  # f32 [N]: highest return over episodes at the end
    antagonist_return: Array  # f32 [N]: mean at the end, of the best antagonist
    antagonist_best: Array  # f32 [N]: highest return over episodes at the end, of any antagonist
    optimal_return: Array  # f32 [N]: expected return of the best policy
    best_return: Array  # f32 [N]: highest return of a student's complete episode in any lifetime on the level
    positive_value_loss: Array  # f32 [N]: mean of max(A_t, 0), A_t the generalised advantage
    l1_value_loss: Array  # f32 [N]: mean of |A_t|
    value: Array  # f32 [N]: mean of V(s_t)

    @staticmethod
    def unknown(finished: Array) -> "LevelOutcome":
        """Return the outcome in which every field but `finished` is unknown."""
        nan = jnp.full(finished.shape, jnp.nan)
        return LevelOutcome(finished, *[nan] * (len(dataclasses.fields(LevelOutcome)) - 1))
