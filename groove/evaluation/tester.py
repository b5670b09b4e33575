"""The meta-tester: trains fresh agents under fixed rules, all rules on the same levels and seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh

from groove.agents.agent import Agent, make_agent
from groove.dropin.find import NamedRule
from groove.envs.base import EnvFamily
from groove.envs.external.host import HostEnv
from groove.evaluation.jobs import Job
from groove.evaluation.results import Results, cell_id, rounded
from groove.evaluation.suites.base import Budget, Task
from groove.lifetimes.host_lifetime import live_on_host
from groove.lifetimes.learning_curves import LearningCurves, Report
from groove.types import Key, PyTree, Stream
from groove.utils.provenance import describe_start

Returns = npt.NDArray[np.float32]


class MetaTester:
    """Runs jobs and stores their results; rules of one kind share compiled programs."""

    def __init__(self, results: Results, mesh: Mesh) -> None:
        """Prepare to run jobs; compiles nothing yet.

        Args:
          results: the store to which results are appended.
          mesh: the devices over which agents are distributed.
        """
        self._results, self._mesh = results, mesh
        self._programs: dict[tuple[str, str, str], tuple[EnvFamily, LearningCurves]] = {}
        self._host_agents: dict[tuple[str, str, str], Agent] = {}

    def run(self, job: Job, report: Report) -> None:
        """Train the agents of a job and append one line of results; do nothing if no seed is missing.

        Args:
          job: the rule, the task and the missing seeds.
          report: called with the number of agents that are done, fractions included.

        Raises:
          ResultsError: if the line cannot be written.
        """
        if not job.seeds:
            return
        begin = time.perf_counter()
        train = self._on_host if job.task.make_host else self._on_devices
        returns, compile_seconds = train(job, report)
        seconds = {"seconds": round(time.perf_counter() - begin, 2), "compile_seconds": round(compile_seconds, 2)}
        self._results.append(job.task.suite, _line(job, returns, {**seconds, "devices_used": self._mesh.size}))

    def forget_programs(self) -> None:
        """Release the compiled programs, after the last job of their task."""
        self._programs.clear()
        self._host_agents.clear()

    def _on_devices(self, job: Job, report: Report) -> tuple[Returns, float]:
        """Train all agents side by side; return f32[levels, seeds, points] and the seconds of compilation."""
        budget, eta = job.budget, job.rule.eta
        env, curves = self._curves(job)
        levels = task_levels(job.task, env, budget.levels)
        agents = [(level, seed) for level in range(budget.levels) for seed in job.seeds]
        keys = agent_keys(jax.random.fold_in(task_key(job.task), Stream.TASK_AGENTS), agents)
        agent_levels = jax.tree.map(lambda x: x[jnp.asarray([level for level, _ in agents])], levels)
        before, frozen = curves.compile_seconds, jax.tree.map(np.array, eta)
        returns = curves(eta, agent_levels, keys, job.points, report)
        jax.tree.map(np.testing.assert_array_equal, frozen, eta)
        returns = np.broadcast_to(returns, (len(agents), len(budget.at)))
        return returns.reshape((budget.levels, len(job.seeds), -1)), curves.compile_seconds - before

    def _curves(self, job: Job) -> tuple[EnvFamily, LearningCurves]:
        name = (job.task.program, job.rule.kind, job.budget_name)
        if name not in self._programs:
            assert job.task.make is not None
            env = job.task.make()
            self._programs[name] = env, make_curves(env, job.rule, job.task, job.budget, self._mesh)
        return self._programs[name]

    def _on_host(self, job: Job, report: Report) -> tuple[Returns, float]:
        """Train one agent after another, since host environments have no batch of agents; compilation is not timed."""
        budget, rule, make = job.budget, job.rule, job.task.make_host
        assert make is not None
        points = job.points
        curves = []
        for i, seed in enumerate(job.seeds):
            key = jax.random.fold_in(task_key(job.task), seed)
            env = make(budget.workers, seed, budget.max_frames)
            life = live_on_host(
                env,
                self._host_agent(job, env),
                rule.rule,
                rule.eta,
                key=key,
                updates=points[-1],
                steps=budget.steps,
                evaluation=make(budget.episodes, seed, budget.max_frames),
                evaluate_at=points,
                report=partial(_report_life, report, i, points[-1]),
            )
            curves.append(np.broadcast_to(life.curve, (len(budget.at),)))
        return np.asarray(curves, np.float32)[None], 0.0

    def _host_agent(self, job: Job, env: HostEnv) -> Agent:
        """Return one agent object for all seeds and rules of one kind: compiled programs are cached by this object."""
        name = (job.task.path, job.rule.kind, job.budget_name)
        if name not in self._host_agents:
            heads = job.rule.rule.heads(env.num_actions)
            self._host_agents[name] = make_agent(env.observation, heads, job.agent)
        return self._host_agents[name]


def make_curves(env: EnvFamily, rule: NamedRule, task: Task, budget: Budget, mesh: Mesh) -> LearningCurves:
    """Build the program that trains and evaluates a task's agents under a rule, with the sizes of a budget."""
    config = rule.rule.adapt_agent(task.agent)
    return LearningCurves(
        env,
        rule.rule,
        make_agent(env.observation, rule.rule.heads(env.num_actions), config),
        mesh,
        workers=budget.workers,
        steps=budget.steps,
        episodes=budget.episodes,
        batch=task.batch,
    )


def agent_keys(key: Key, agents: Sequence[tuple[int, int]]) -> Key:
    """Return one key per agent (level, seed), key[agents]; no key depends on the other agents."""
    fold: Callable = jax.vmap(jax.random.fold_in, (None, 0))
    level, seed = jnp.asarray(agents).T
    return jax.vmap(jax.random.fold_in)(fold(key, level), seed)


def task_levels(task: Task, env: EnvFamily, count: int) -> PyTree:
    """Return the first `count` levels of a task, [count, ...]; they are the same for every rule, seed and budget.

    Args:
      task: a task whose agents train on devices.
      env: the environment that `task.make` builds.
      count: number of levels.
    """
    key = jax.random.fold_in(task_key(task), Stream.TASK_LEVELS)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
    return jax.jit(jax.vmap(task.sample or env.sample_level))(keys)


def task_key(task: Task) -> Key:
    """Return the key of a task, which is the same in every process."""
    return jax.random.fold_in(jax.random.key(0), int(cell_id({"name": task.path})[:8], 16) & 0x7FFFFFFF)


def _line(job: Job, returns: Returns, circumstances: Mapping[str, float]) -> dict[str, Any]:
    """Return the line of results of a job; `groove.evaluation.results` says what a line holds."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return {
        "cell": job.cell,
        "task": job.task.path,
        "budget": job.budget_name,
        "rule": job.rule.name,
        "rule_identity": job.rule.identity,
        "settings": {**job.identity, "origin": job.rule.about},
        "seeds": list(job.seeds),
        "updates": list(job.budget.at),
        "env_steps": [point * job.budget.rollout for point in job.budget.at],
        "returns": rounded(returns),
        "provenance": {**describe_start(), "time": now, **circumstances},
    }


def _report_life(report: Report, before: int, updates: int, done: int, metrics: Mapping[str, float]) -> None:
    del metrics
    report(before + done / updates)
