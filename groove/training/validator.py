"""Meta-validation of the rule that is being trained."""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from groove.envs.level_metrics import make_level_metrics
from groove.training.build import Parts
from groove.training.config import BASELINE
from groove.training.progress import Progress
from groove.training.validation import LifetimeReturns, Validation


class Validator:
    """Validates one rule again and again; the returns of the baseline and of the untrained rule are computed once."""

    def __init__(self, parts: Parts, untrained: Any, progress: Progress) -> None:
        """Take what is validated.

        Args:
          parts: of the run.
          untrained: eta before meta-training, NumPy arrays.
          progress: shows how many levels are done.
        """
        self._parts, self._progress = parts, progress
        self._untrained = untrained
        self._constant: dict[str, npt.NDArray[np.float32]] = {}
        self._level_metrics: dict[str, float] = {}

    def validate(self, eta: Any) -> Validation:
        """Train fresh agents under the learned rule, and at the first call under the other rules, and compare them."""
        count = jax.tree.leaves(self._parts.unseen)[0].shape[0]
        if not self._constant:
            self._constant = {
                "baseline": self._returns(f"{BASELINE} on {count} unseen levels", self._parts.baseline_returns, ()),
                "untrained": self._returns(
                    f"untrained on {count} unseen levels", self._parts.rule_returns, self._untrained
                ),
            }
        student = self._returns(f"the rule on {count} unseen levels", self._parts.rule_returns, eta)
        return Validation(student=student, **self._constant)

    def level_metrics(self) -> dict[str, float]:
        """Return the mean features of the validation levels."""
        if not self._level_metrics:
            self._level_metrics = make_level_metrics(self._parts.base)(self._parts.unseen, True)
        return self._level_metrics

    def _returns(self, what: str, returns: LifetimeReturns, eta: Any) -> npt.NDArray[np.float32]:
        count = jax.tree.leaves(self._parts.unseen)[0].shape[0]
        with self._progress.subtask(f"validating {what}", count) as advance:
            done = 0

            def report(total: int) -> None:
                nonlocal done
                advance(total - done)
                done = total

            return returns(eta, report)
