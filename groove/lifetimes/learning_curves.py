"""Judging a rule: fresh agents live whole lifetimes under it, and complete episodes say how good they have become."""

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
from groove.types import Array, Key, PyTree
from groove.utils import parallel

Report = Callable[[float], None]  # hears how many agents are done, in parts of lifetimes


def _quiet(done: float) -> None:
    del done


class LearningCurves:
    """The judge of a rule on one family: mean returns of fresh agents at fixed points of their lifetimes.

    Agents are trained side by side, in batches that are shared out over the devices, by one program, which is compiled
    once for whatever levels, keys, points and parameters of the rule. How an agent fares depends on its key and level
    alone, not on its company; agents of different rules with one key are born alike and meet the same randomness.
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
        """Prepares the programs; compiles nothing yet.

        Args:
          env: the family of environments.
          rule: under which agents live.
          agent: agents as the rule needs them.
          mesh: agents are shared out over its devices.
          workers, steps: W and T of every agent.
          episodes: evaluation episodes of an agent at each point, by its stochastic policy.
          batch: agents living side by side, rounded up to a multiple of the devices.
        """
        self.compile_seconds = 0.0
        self._mesh, self._batch = mesh, -(-batch // mesh.size) * mesh.size
        slots, everywhere = PartitionSpec(parallel.SLOTS), PartitionSpec()

        def begin(levels: PyTree, keys: Key, length: Array) -> Lifetime:
            return jax.vmap(lambda lv, k: lifetime.begin(env, agent, lv, length, k, workers))(levels, keys)

        def go_on(eta: Any, lives: Lifetime, levels: PyTree, updates: Array) -> tuple[Lifetime, Array]:
            lives, _ = lifetime.live(env, agent, rule, eta, lives, levels, steps, updates)
            policies = jax.vmap(agent.policy)(lives.learner.params)
            keys = lifetime.step_keys(lives, lifetime.EVALUATE)
            play = jax.vmap(lambda p, lv, k: evaluate_policy(env, agent, p, lv, k, episodes).mean())
            return lives, play(policies, levels, keys)

        self._begin = jax.jit(parallel.over_slots(mesh, begin, (slots, slots, everywhere), slots))
        self._go_on = jax.jit(
            parallel.over_slots(mesh, go_on, (everywhere, slots, slots, everywhere), (slots, slots)), donate_argnums=1
        )
        self._compiled: dict[int, Callable] = {}  # by the number of agents side by side

    def __call__(
        self, eta: Any, levels: PyTree, keys: Key, points: Sequence[int], report: Report = _quiet
    ) -> npt.NDArray[np.float32]:
        """Trains one fresh agent for each level and key, through the last of the points.

        Args:
          eta: the rule's parameters.
          levels: [n], one an agent.
          keys: [n]: all the randomness of each agent.
          points: agent updates at which agents are judged, increasing; the last is their lifetime.
          report: is told how many of the n agents are done, halves and all.

        Returns:
          f32[n, points]: mean undiscounted return of complete episodes.
        """
        eta = jax.device_get(eta)  # wherever it was: another placement would be another compilation
        count = keys.shape[0]
        batch = min(self._batch, -(-count // self._mesh.size) * self._mesh.size)
        parts = []
        for start in range(0, count, batch):
            which = jnp.arange(start, start + batch) % count  # the last batch is filled up from the first
            chosen, chosen_keys = jax.tree.map(lambda x, which=which: x[which], (levels, keys))
            chosen, chosen_keys = parallel.shard(self._mesh, (chosen, chosen_keys), PartitionSpec(parallel.SLOTS))
            lives = self._begin(chosen, chosen_keys, jnp.int32(points[-1]))
            returns, before = [], 0
            for point in points:
                arguments = (eta, lives, chosen, jnp.int32(point - before))
                lives, value = self._program(batch, arguments)(*arguments)
                returns.append(np.asarray(value))
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
