"""The plan of a meta-test: which agents of which rules are still to be trained on which tasks."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from groove.agents.agent import AnyAgentConfig
from groove.dropin.find import NamedRule
from groove.evaluation.results import Results, cell_id
from groove.evaluation.suites.base import Budget, Task

PROTOCOL = 1  # version of how agents are trained and evaluated; part of the identity of every cell


class Job(NamedTuple):
    """One cell of the table, a rule on a task, and the seeds that are missing.

    Attributes:
      task: the task.
      rule: the rule.
      budget_name: name of the budget.
      cell: digest of everything that determines the returns, except the seeds.
      seeds: seeds of the agents that are to be trained.
    """

    task: Task
    rule: NamedRule
    budget_name: str
    cell: str
    seeds: tuple[int, ...]

    @property
    def budget(self) -> Budget:
        """The budget."""
        return self.task.budgets[self.budget_name]

    @property
    def agent(self) -> AnyAgentConfig:
        """The configuration of the agents: the task's, adapted by the rule."""
        return self.rule.rule.adapt_agent(self.task.agent)

    @property
    def agents(self) -> int:
        """Number of agents that are to be trained."""
        return len(self.seeds) * self.budget.levels

    @property
    def points(self) -> tuple[int, ...]:
        """The updates after which agents are evaluated: one, if the rule has settled by the first point."""
        settled = self.rule.rule.settles_after
        return self.budget.at if settled is None or settled > self.budget.at[0] else (settled,)

    @property
    def env_steps(self) -> int:
        """Environment steps of all agents that are to be trained."""
        return self.agents * self.points[-1] * self.budget.rollout

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the returns, except the seeds, as JSON values."""
        return {
            "protocol": PROTOCOL,
            "task": self.task.path,
            "budget": dataclasses.asdict(self.budget),
            "agent": dataclasses.asdict(self.agent),
            "rule": self.rule.identity,
        }


def plan(
    tasks: Sequence[Task], rules: Sequence[NamedRule], budget: str, seeds: int, results: Results, force: bool = False
) -> list[Job]:
    """Return the job of every rule on every task, task by task.

    Args:
      tasks: the tasks.
      rules: the rules.
      budget: name of the budget.
      seeds: number of seeds; the seeds are 0, ..., seeds - 1.
      results: the store of results; stored seeds are not part of the jobs.
      force: makes all seeds part of the jobs, stored or not.
    """
    jobs = []
    for task in tasks:
        for rule in rules:
            job = Job(task, rule, budget, "", ())
            cell = cell_id(job.identity)
            stored = set() if force else results.seeds_of(task.suite, cell)
            missing = tuple(seed for seed in range(seeds) if seed not in stored)
            jobs.append(job._replace(cell=cell, seeds=missing))
    return jobs
