"""Learning curves: new agents live whole lifetimes under a rule, and complete episodes measure their returns."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, PartitionSpec

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.lpg.base import UpdateRule
from groove.types import Array, Key, PyTree, Stream
from groove.utils import parallel, processes

Report = Callable[[float], None]  # called with the number of agents that are done, counting parts of lifetimes


def _quiet(done: float) -> None:
    del done


class LearningCurves:
    """The learning curves of a rule on one family: mean returns of new agents at given points of their lifetimes.

    Agents are trained side by side, in batches that are distributed over the devices. One program, compiled once,
    serves all levels, keys, points and parameters of the rule. The return of an agent depends on its key and level
    only, not on the other agents of its batch. Agents of different rules with the same key start with the same
    parameters and meet the same randomness.
    """

    def __init__(
        self,
        env: EnvFamily,
        rule: UpdateRule,
        agent: Agent,
        mesh: Mesh,
        *,
        workers: int,
        steps: int,
        episodes: int,
        batch: int,
    ) -> None:
        """Prepare the programs; compile nothing yet.

        Args:
          env: the family of environments.
          rule: the update rule.
          agent: agents with the heads that the rule needs.
          mesh: agents are distributed over its devices.
          workers: W of every agent.
          steps: T of every agent.
          episodes: evaluation episodes of an agent at each point, by its stochastic policy.
          batch: agents side by side, rounded up to a multiple of the number of devices.
        """
        self.compile_seconds = 0.0
        self._mesh, self._batch = mesh, -(-batch // mesh.size) * mesh.size
        slots, everywhere = PartitionSpec(parallel.SLOTS), PartitionSpec()

        def begin(levels: PyTree, keys: Key, length: Array) -> Lifetime:
            return jax.vmap(lambda lv, k: lifetime.begin(env, agent, rule, lv, length, k, workers, steps))(levels, keys)

        def go_on(eta: Any, lives: Lifetime, levels: PyTree, updates: Array) -> tuple[Lifetime, Array]:
            lives, _ = lifetime.live(env, agent, rule, eta, lives, levels, steps, updates)
            policies = jax.vmap(agent.policy)(lives.learner.params)
            keys = lifetime.step_keys(lives, Stream.EVALUATE)
            play = jax.vmap(lambda p, lv, k: evaluate_policy(env, agent, p, lv, k, episodes).mean())
            return lives, play(policies, levels, keys)

        self._begin = jax.jit(parallel.over_slots(mesh, begin, (slots, slots, everywhere), slots))
        self._go_on = jax.jit(
            parallel.over_slots(mesh, go_on, (everywhere, slots, slots, everywhere), (slots, slots)), donate_argnums=1
        )
        self._compiled: dict[int, Callable] = {}  # number of agents side by side -> program

    def __call__(
        self, eta: Any, levels: PyTree, keys: Key, points: Sequence[int], report: Report = _quiet
    ) -> npt.NDArray[np.float32]:
        """Train one new agent for each level and key, up to the last of the points.

        Args:
          eta: the parameters of the rule.
          levels: [n], one for each agent.
          keys: [n], all the randomness of each agent.
          points: agent updates after which agents are evaluated, increasing; the last is their lifetime.
          report: called with the number of agents that are done, counting parts of lifetimes.

        Returns:
          f32[n, points]: mean undiscounted return of complete episodes.
        """
        eta = processes.to_host(eta)  # another placement of the arrays would cause another compilation
        count = keys.shape[0]
        batch = min(self._batch, -(-count // self._mesh.size) * self._mesh.size)
        parts = []
        for start in range(0, count, batch):
            which = jnp.arange(start, start + batch) % count  # the last batch is filled with agents of the first
            chosen, chosen_keys = jax.tree.map(lambda x, which=which: x[which], (levels, keys))
            chosen, chosen_keys = parallel.shard(self._mesh, (chosen, chosen_keys), PartitionSpec(parallel.SLOTS))
            lives = self._begin(chosen, chosen_keys, np.int32(points[-1]))
            returns, before = [], 0
            for point in points:
                arguments = (eta, lives, chosen, np.int32(point - before))
                lives, value = self._program(batch, arguments)(*arguments)
                returns.append(processes.to_host(value))
                before = point
                report(min(start + batch * point / points[-1], count))
            parts.append(np.stack(returns, axis=1))
        return np.concatenate(parts)[:count]

    def _program(self, batch: int, arguments: tuple[Any, ...]) -> Callable:
        if batch not in self._compiled:
            begin = time.perf_counter()
            self._compiled[batch] = self._go_on.lower(*arguments).compile()
            self.compile_seconds += time.perf_counter() - begin
        return self._compiled[batch]
