"""A trial: new agents under several rules on the same levels, with the same randomness."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from groove.dropin.find import NamedRule
from groove.envs.base import EnvFamily
from groove.evaluation.suites.base import Budget, Task
from groove.evaluation.tester import agent_keys, make_curves
from groove.lifetimes.learning_curves import Report
from groove.types import Key, PyTree
from groove.utils.bootstrap import Floats


class Trial:
    """Trains agents under several rules; the programs are compiled once and serve all levels."""

    def __init__(self, env: EnvFamily, rules: Sequence[NamedRule], task: Task, budget: Budget, mesh: Mesh) -> None:
        """Prepare the programs; compile nothing yet.

        Args:
          env: the family of the levels.
          rules: the rules.
          task: the task whose agents are trained.
          budget: the lifetime of agents and their sizes.
          mesh: the devices over which agents are distributed.
        """
        self._rules, self._lifetime = tuple(rules), budget.updates
        self._curves = [make_curves(env, rule, task, budget, mesh) for rule in rules]

    def returns(self, levels: PyTree, key: Key, seeds: int, reports: Sequence[Report]) -> Floats:
        """Train new agents under every rule.

        Args:
          levels: [n].
          key: the randomness of all agents; agents of different rules share theirs.
          seeds: agents of each rule on each level.
          reports: for each rule, a function that is called with the number of agents that are done.

        Returns:
          f64[rules, n], the mean return at the end of life over the seeds of a level.
        """
        count = len(jax.tree.leaves(levels)[0])
        agents = [(level, seed) for level in range(count) for seed in range(seeds)]
        keys = agent_keys(key, agents)
        agent_levels = jax.tree.map(lambda x: jnp.asarray(x)[jnp.asarray([level for level, _ in agents])], levels)
        rows = []
        for rule, curves, report in zip(self._rules, self._curves, reports, strict=True):
            final = curves(rule.eta, agent_levels, keys, (self._lifetime,), report)[:, -1]
            rows.append(final.reshape(count, seeds).mean(1).astype(np.float64))
        return np.stack(rows)
