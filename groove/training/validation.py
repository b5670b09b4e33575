"""Meta-validation: the learned rule, the untrained rule and the baseline on unseen levels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove.envs.base import EnvFamily
from groove.lifetimes.learning_curves import LearningCurves
from groove.training.settings.config import BASELINE
from groove.types import Key, PyTree
from groove.utils.bootstrap import Interval, ratio_of_means

# (eta, report) -> returns f32[levels] at the end of life; report(number of levels done) is called now and then
LifetimeReturns = Callable[[Any, Callable[[int], None]], npt.NDArray[np.float32]]
MEAN_SCORE = "validation/mean_normalised_return"  # over the sources that a run validates on, if there are several
_UNSEEN = 0x5EED  # folded into the seed of a run; training folds no such number


class Domain(NamedTuple):
    """Unseen levels of one source, and the functions that validate rules on them.

    Attributes:
      source: the name of the source.
      env: the family of the levels.
      levels: [levels].
      rule_returns: returns of agents under the learned rule.
      baseline_returns: returns of agents under the baseline.
    """

    source: str
    env: EnvFamily
    levels: PyTree
    rule_returns: LifetimeReturns
    baseline_returns: LifetimeReturns


@dataclass(frozen=True)
class Validation:
    """Returns on the validation levels at the end of a lifetime, f32[levels] each.

    Attributes:
      student: of agents under the learned rule.
      untrained: of agents under the rule as it was before meta-training.
      baseline: of agents under the baseline.
    """

    student: npt.NDArray[np.float32]
    untrained: npt.NDArray[np.float32]
    baseline: npt.NDArray[np.float32]

    def normalised(self, which: str = "student", seed: int = 0) -> Interval:
        """Return the baseline-normalised return, with a 95% bootstrap interval.

        The value is the ratio of two mean returns over levels.

        Args:
          which: "student" or "untrained".
          seed: of the bootstrap.
        """
        return ratio_of_means(getattr(self, which), self.baseline, np.random.default_rng(seed))

    def gain(self, seed: int = 0) -> Interval:
        """Return the gain of meta-training: the mean difference between student and untrained, level by level.

        The unit is the mean return of the baseline.

        Args:
          seed: of the bootstrap.
        """
        return ratio_of_means(self.student - self.untrained, self.baseline, np.random.default_rng(seed))

    def metrics(self) -> dict[str, float]:
        """Return the metrics under their names in the log."""
        student, untrained, gain = self.normalised("student"), self.normalised("untrained"), self.gain()
        return {
            "validation/normalised_return": student.value,
            "validation/normalised_low": student.low,
            "validation/normalised_high": student.high,
            "validation/untrained_normalised": untrained.value,
            "validation/untrained_low": untrained.low,
            "validation/untrained_high": untrained.high,
            "validation/gain": gain.value,
            "validation/gain_low": gain.low,
            "validation/gain_high": gain.high,
            **{f"validation/{name}_return": float(values.mean()) for name, values in self.returns().items()},
        }

    def returns(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the returns under the names of the log and of validation.json."""
        return {"student": self.student, "untrained": self.untrained, BASELINE: self.baseline}


def unseen_levels(env: EnvFamily, key: Key, count: int) -> PyTree:
    """Draw levels [count] from a key that training never uses."""
    return jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.fold_in(key, _UNSEEN), count))


def make_lifetime_returns(curves: LearningCurves, levels: PyTree, key: Key, updates: int) -> LifetimeReturns:
    """Build the function that returns what one fresh agent per level earns at the end of its lifetime.

    Args:
      curves: trains and evaluates the agents.
      levels: [levels].
      key: seed of all randomness.
      updates: L, the lifetime of every agent, agent updates.
    """
    count = jax.tree.leaves(levels)[0].shape[0]
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))

    def returns(eta: Any, report: Callable[[int], None] = lambda done: None) -> npt.NDArray[np.float32]:
        return curves(eta, levels, keys, (updates,), lambda done: report(int(done)))[:, 0]

    return returns
