"""Meta-testing: fresh agents learn tasks they were never meta-trained on, under each rule, on the same seeds."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh

from groove.agents.agent import Agent, make_agent
from groove.dropin.find import NamedRule
from groove.envs.base import EnvFamily
from groove.envs.external.host import HostEnv
from groove.evaluation.results import Results, cell_id, rounded
from groove.evaluation.suites import Budget, Task
from groove.lifetimes.host_lifetime import live_on_host
from groove.lifetimes.learning_curves import LearningCurves, Report
from groove.types import Key, PyTree
from groove.utils.provenance import describe_start

_LEVELS, _AGENTS = 0x1E7E15, 0xA6E27  # folded into the key of a task
_UNTRAINED = 1  # updates after which the uniform policy is itself
PROTOCOL = 1  # of how agents are trained and judged; part of every cell's identity


class Job(NamedTuple):
    """One cell of the table: a rule on a task, and the seeds that are missing."""

    task: Task
    rule: NamedRule
    budget_name: str
    cell: str
    seeds: tuple[int, ...]

    @property
    def budget(self) -> Budget:
        """What is spent."""
        return self.task.budgets[self.budget_name]


def plan(
    tasks: Sequence[Task], rules: Sequence[NamedRule], budget: str, seeds: int, results: Results, force: bool = False
) -> list[Job]:
    """Every cell, task by task, with the seeds that are not stored yet; with `force`, all of them."""
    jobs = []
    for task in tasks:
        for rule in rules:
            cell = cell_id(_identity(task, rule, budget))
            done = set() if force else results.seeds_of(task.suite, cell)
            jobs.append(Job(task, rule, budget, cell, tuple(seed for seed in range(seeds) if seed not in done)))
    return jobs


def _identity(task: Task, rule: NamedRule, budget: str) -> dict[str, Any]:
    """What decides a cell's returns, seeds apart."""
    return {
        "protocol": PROTOCOL,
        "task": task.path,
        "budget": dataclasses.asdict(task.budgets[budget]),
        "agent": dataclasses.asdict(task.agent_for(rule.rule.name)),
        "rule": rule.identity,
    }


class MetaTester:
    """Runs jobs and stores what they come to; programs are shared between rules of one kind."""

    def __init__(self, results: Results, mesh: Mesh) -> None:
        """Args: where results go; the devices that agents are shared out over."""
        self._results, self._mesh = results, mesh
        self._programs: dict[tuple[str, str, str], tuple[EnvFamily, LearningCurves]] = {}
        self._host_agents: dict[tuple[str, str, str], Agent] = {}

    def run(self, job: Job, report: Report) -> None:
        """Trains the job's missing seeds and appends one line; nothing to do if none is missing.

        Args:
          job: the cell.
          report: is told the share of it that is done, in agents.
        """
        if not job.seeds:
            return
        begin = time.perf_counter()
        train = self._on_host if job.task.make_host else self._on_devices
        returns, compile_seconds = train(job, report)
        budget = job.budget
        line = {
            "cell": job.cell,
            "task": job.task.path,
            "budget": job.budget_name,
            "rule": job.rule.name,
            "rule_identity": job.rule.identity,
            "settings": {**_identity(job.task, job.rule, job.budget_name), "origin": job.rule.about},
            "seeds": list(job.seeds),
            "updates": list(budget.at),
            "env_steps": [point * budget.rollout for point in budget.at],
            "returns": rounded(returns),
            "provenance": {
                **describe_start(),
                "time": datetime.now().astimezone().isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - begin, 2),
                "compile_seconds": round(compile_seconds, 2),
            },
        }
        self._results.append(job.task.suite, line)

    def forget_programs(self) -> None:
        """Lets go of compiled programs, when their task is done with."""
        self._programs.clear()
        self._host_agents.clear()

    def _on_devices(self, job: Job, report: Report) -> tuple[npt.NDArray[np.float32], float]:
        budget, rule = job.budget, job.rule
        env, curves = self._curves(job)
        key = jax.random.fold_in(jax.random.key(0), int(_stable(job.task.path)))
        levels = _levels(job.task.sample or env.sample_level, jax.random.fold_in(key, _LEVELS), budget.levels)
        agents = [(level, seed) for level in range(budget.levels) for seed in job.seeds]
        keys = agent_keys(jax.random.fold_in(key, _AGENTS), agents)
        chosen = jax.tree.map(lambda x: x[jnp.asarray([level for level, _ in agents])], levels)
        before = curves.compile_seconds
        if rule.rule.name == "random":  # which never changes: its curve is flat
            returns = curves(rule.eta, chosen, keys, (_UNTRAINED,), report)
            returns = np.repeat(returns, len(budget.at), axis=1)
        else:
            frozen = jax.tree.map(np.array, rule.eta)
            returns = curves(rule.eta, chosen, keys, budget.at, report)
            jax.tree.map(np.testing.assert_array_equal, frozen, rule.eta)
        return returns.reshape((budget.levels, len(job.seeds), -1)), curves.compile_seconds - before

    def _curves(self, job: Job) -> tuple[EnvFamily, LearningCurves]:
        name = (job.task.program, job.rule.kind, job.budget_name)
        if name not in self._programs:
            assert job.task.make is not None
            env = job.task.make()
            curves = make_curves(env, job.rule, job.task, job.budget, self._mesh)
            self._programs[name] = env, curves
        return self._programs[name]

    def _on_host(self, job: Job, report: Report) -> tuple[npt.NDArray[np.float32], float]:
        """One agent after another, as environments on the host have no batch of agents; compiling is not told apart."""
        budget, rule, make = job.budget, job.rule, job.task.make_host
        assert make is not None
        points = (_UNTRAINED,) if rule.rule.name == "random" else budget.at
        curves = []
        for i, seed in enumerate(job.seeds):
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), _stable(job.task.path)), seed)
            env, judge = make(budget.workers, seed, budget.max_frames), make(budget.episodes, seed, budget.max_frames)
            life = live_on_host(
                env,
                self._host_agent(job, env),
                rule.rule,
                rule.eta,
                key=key,
                updates=points[-1],
                steps=budget.steps,
                evaluation=judge,
                evaluate_at=points,
                report=partial(_report_life, report, i, points[-1]),
            )
            curves.append(np.broadcast_to(life.curve, (len(budget.at),)))
        return np.asarray(curves, np.float32)[None], 0.0

    def _host_agent(self, job: Job, env: HostEnv) -> Agent:
        """The same object for every seed and rule of one kind, since what is compiled is known by it."""
        name = (job.task.path, job.rule.kind, job.budget_name)
        if name not in self._host_agents:
            config = job.task.agent_for(job.rule.rule.name)
            self._host_agents[name] = make_agent(env.observation, job.rule.rule.heads(env.num_actions), config)
        return self._host_agents[name]


def _report_life(report: Report, before: int, updates: int, done: int, metrics: Mapping[str, float]) -> None:
    del metrics
    report(before + done / updates)


def make_curves(env: EnvFamily, rule: NamedRule, task: Task, budget: Budget, mesh: Mesh) -> LearningCurves:
    """The judge of a rule on an environment, with a task's agents and a budget's sizes."""
    agent = make_agent(env.observation, rule.rule.heads(env.num_actions), task.agent_for(rule.rule.name))
    return LearningCurves(
        env,
        rule.rule,
        agent,
        mesh,
        workers=budget.workers,
        steps=budget.steps,
        episodes=budget.episodes,
        batch=task.batch,
    )


def agent_keys(key: Key, agents: Sequence[tuple[int, int]]) -> Key:
    """The keys of agents (level, seed): [n]. A rule's other seeds and levels do not matter to an agent."""
    fold: Callable = jax.vmap(jax.random.fold_in, (None, 0))
    level, seed = jnp.asarray(agents).T
    return jax.vmap(jax.random.fold_in)(fold(key, level), seed)


def _levels(sample: Callable[[Key], PyTree], key: Key, count: int) -> PyTree:
    """The task's levels, the same for every rule and budget as far as they go: [count]."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
    return jax.jit(jax.vmap(sample))(keys)


def _stable(name: str) -> int:
    """A number of 31 bits that a name always has."""
    return int(cell_id({"name": name})[:8], 16) & 0x7FFFFFFF
