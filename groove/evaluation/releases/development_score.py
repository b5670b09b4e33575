"""The score by which one of several rules may be chosen, on tasks of the suite `development` only."""

from collections.abc import Sequence

import numpy as np

from groove.dropin.find import named_rule
from groove.evaluation.results import Results
from groove.utils.bootstrap import Floats
from groove.utils.errors import ConfigError
from groove.utils.paths import PathLike

SUITE = "development"
REFERENCES = ("random", "a2c")  # scores of 0 and 1
_MARGIN = 0.05  # levels count if A2C's return exceeds that of random play by more than this, in the unit of returns


def development_score(results: Results, rule: PathLike, tasks: Sequence[str], budget: str = "laptop") -> float:
    """Return the mean over tasks of a rule's normalised return at the end of life: 0 is random play, 1 is A2C.

    Args:
      results: the store of results.
      rule: a run directory or a rule file.
      tasks: tasks of the suite `development`, as SUITE/NAME.
      budget: of the results that count.

    Raises:
      ConfigError: if a task is of another suite, or results of the rule or a reference are missing.
    """
    identity, total = named_rule(rule).identity, 0.0
    for task in tasks:
        if not task.startswith(f"{SUITE}/"):
            raise ConfigError(f"{task} is held out: choose by tasks of {SUITE}.")
        returns = {
            name: cell.final.mean(1)  # [levels]
            for cell in results.cells()
            for name in (cell.rule, cell.identity)
            if cell.task == task and cell.budget == budget
        }
        if lacking := {identity, *REFERENCES} - set(returns):
            names = ", ".join(sorted(str(rule) if name == identity else name for name in lacking))
            raise ConfigError(
                f"{results.folder} holds no results of {names} on {task} at budget {budget}: run a meta-test first."
            )
        total += level_score(returns[identity], *(returns[name] for name in REFERENCES))
    return total / len(tasks)


def level_score(returns: Floats, low: Floats, high: Floats) -> float:
    """Return the mean over levels of (return - low) / (high - low), clipped to [-1, 2] on each level.

    Levels on which high exceeds low by too little are left out.

    Args:
      returns: f64[levels].
      low: f64[levels], returns of random play.
      high: f64[levels], returns of A2C.
    """
    apart = high - low > _MARGIN * (1 + np.abs(low))
    return float(np.clip((returns - low)[apart] / (high - low)[apart], -1, 2).mean())
