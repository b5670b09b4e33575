"""Meta-validation: the rule, the untrained rule and A2C on unseen levels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove.envs.base import EnvFamily
from groove.lifetimes.learning_curves import LearningCurves
from groove.types import Key, PyTree
from groove.utils.bootstrap import Interval, ratio_of_means

# (eta, report) -> returns f32[levels] at the end of life; `report` hears how many levels are done
LifetimeReturns = Callable[[Any, Callable[[int], None]], npt.NDArray[np.float32]]


def unseen_levels(env: EnvFamily, key: Key, count: int) -> PyTree:
    """Levels of the base distribution, from a key apart from any that training uses: [count]."""
    return jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.fold_in(key, 0x5EED), count))


def make_lifetime_returns(curves: LearningCurves, levels: PyTree, key: Key, updates: int) -> LifetimeReturns:
    """Meta-validation: the mean return at the end of life of one fresh agent a level.

    Args:
      curves: the judge.
      levels: [levels].
      key: all the randomness.
      updates: L, of every agent.
    """
    count = jax.tree.leaves(levels)[0].shape[0]
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))

    def returns(eta: Any, report: Callable[[int], None] = lambda done: None) -> npt.NDArray[np.float32]:
        return curves(eta, levels, keys, (updates,), lambda done: report(int(done)))[:, 0]

    return returns


@dataclass(frozen=True)
class Validation:
    """Returns on the validation levels, f32[levels] each."""

    student: npt.NDArray[np.float32]
    untrained: npt.NDArray[np.float32]
    a2c: npt.NDArray[np.float32]

    def normalised(self, which: str = "student", seed: int = 0) -> Interval:
        """A2C-normalised return, the ratio of mean returns over levels, with a 95 % interval."""
        return ratio_of_means(getattr(self, which), self.a2c, np.random.default_rng(seed))

    def metrics(self) -> dict[str, float]:
        """As the log names them."""
        student, untrained = self.normalised("student"), self.normalised("untrained")
        return {
            "validation/normalised_return": student.value,
            "validation/normalised_low": student.low,
            "validation/normalised_high": student.high,
            "validation/untrained_normalised": untrained.value,
            "validation/untrained_low": untrained.low,
            "validation/untrained_high": untrained.high,
            "validation/student_return": float(self.student.mean()),
            "validation/untrained_return": float(self.untrained.mean()),
            "validation/a2c_return": float(self.a2c.mean()),
        }
