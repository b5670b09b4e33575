"""A rule beside A2C on many random gridworlds: returns, level features, and the worst levels as a set to train on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from groove.dropin.find import NamedRule
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.evaluation.failures.trial import Trial
from groove.evaluation.suites.base import Budget, Task
from groove.lifetimes.learning_curves import Report
from groove.types import Stream
from groove.utils.bootstrap import Floats


@dataclass(frozen=True)
class Diagnosis:
    """The returns of a rule and of A2C on the same random levels.

    Attributes:
      levels: GridLevel [n], as NumPy arrays.
      features: feature -> f64[n], NaN where undefined.
      rule_returns: f64[n], mean return at the end of life over the seeds of a level.
      a2c_returns: f64[n], the same under A2C.
      name: name of the rule.
      budget: the budget of each level.
      seeds: agents of each rule on each level.
    """

    levels: Any
    features: Mapping[str, Floats]
    rule_returns: Floats
    a2c_returns: Floats
    name: str
    budget: Budget
    seeds: int

    @property
    def shortfall(self) -> Floats:
        """A2C's return minus the rule's, f64[n]: the algorithmic regret."""
        return self.a2c_returns - self.rule_returns

    @property
    def ratio(self) -> float:
        """The rule's mean return as a share of A2C's."""
        return float(self.rule_returns.mean() / self.a2c_returns.mean())

    def worst(self, count: int) -> LevelSet:
        """Return the `count` levels with the largest shortfall, the largest first."""
        about = {"diagnosed": self.name, "seeds": self.seeds, "updates": self.budget.updates}
        levels = LevelSet(self.levels, GridSizes(), self.shortfall.astype(np.float32), about)
        return levels.take(np.argsort(-self.shortfall, kind="stable")[:count])


def measure(
    rule: NamedRule, a2c: NamedRule, task: Task, budget: Budget, seeds: int, mesh: Mesh, reports: Sequence[Report]
) -> Diagnosis:
    """Train agents under a rule and under A2C on the same random levels, with the same keys.

    Args:
      rule: the rule.
      a2c: the reference.
      task: the task whose agents are trained.
      budget: lifetime, number of levels and sizes.
      seeds: agents of each rule on each level.
      mesh: the devices over which agents are distributed.
      reports: two functions, called with the number of agents that are done under the rule and under A2C.
    """
    env = make_gridworld(GridSizes(), LevelDistribution(min_lifetime=budget.updates, max_lifetime=budget.updates))
    key = jax.random.key(Stream.DIAGNOSIS)
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(key, budget.levels))
    trial = Trial(env, (rule, a2c), task, budget, mesh)
    rule_returns, a2c_returns = trial.returns(levels, jax.random.fold_in(key, 1), seeds, reports)
    assert env.describe is not None
    features = {name: np.asarray(x, np.float64) for name, x in jax.jit(jax.vmap(env.describe))(levels).items()}
    host_levels = jax.tree.map(np.asarray, levels)
    return Diagnosis(host_levels, features, rule_returns, a2c_returns, rule.name, budget, seeds)
