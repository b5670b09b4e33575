"""Meta-validation of the rule that is being trained."""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from groove.envs.level_metrics import make_level_metrics
from groove.training.build import Parts
from groove.training.logs.progress import Progress
from groove.training.settings.config import BASELINE
from groove.training.validation import Domain, LifetimeReturns, Validation


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
        self._constant: dict[str, dict[str, npt.NDArray[np.float32]]] = {}  # source -> returns by name
        self._level_metrics: dict[str, float] = {}

    def validate(self, eta: Any) -> dict[str, Validation]:
        """Train fresh agents under the learned rule, and at the first call under the other rules, and compare them.

        Returns:
          source -> the validation on its unseen levels, random gridworlds first.
        """
        return {domain.source: self._validate_on(domain, eta) for domain in self._parts.domains}

    def level_metrics(self) -> dict[str, float]:
        """Return the mean features of the unseen random gridworlds."""
        if not self._level_metrics:
            base = self._parts.domains[0]
            self._level_metrics = make_level_metrics(base.env)(base.levels, True)
        return self._level_metrics

    def _validate_on(self, domain: Domain, eta: Any) -> Validation:
        if domain.source not in self._constant:
            self._constant[domain.source] = {
                "baseline": self._returns(BASELINE, domain, domain.baseline_returns, ()),
                "untrained": self._returns("untrained", domain, domain.rule_returns, self._untrained),
            }
        student = self._returns("the rule", domain, domain.rule_returns, eta)
        return Validation(student=student, **self._constant[domain.source])

    def _returns(self, rule: str, domain: Domain, returns: LifetimeReturns, eta: Any) -> npt.NDArray[np.float32]:
        count = jax.tree.leaves(domain.levels)[0].shape[0]
        of = f" of {domain.source}" if len(self._parts.domains) > 1 else ""
        with self._progress.subtask(f"validating {rule} on {count} unseen levels{of}", count) as advance:
            done = 0

            def report(total: int) -> None:
                nonlocal done
                advance(total - done)
                done = total

            return returns(eta, report)
