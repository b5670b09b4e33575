"""Meta-validation: fresh agents live whole lifetimes on unseen levels under a rule, and are judged at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, PartitionSpec

from groove import lifetime, parallel
from groove.agent import Agent
from groove.envs.base import EnvFamily
from groove.lpg.base import UpdateRule
from groove.rollout import evaluate_policy
from groove.stats import Interval, ratio_of_means
from groove.types import Array, Key, PyTree

# (eta, report) -> returns f32[levels]; `report` hears how many levels are done
LifetimeReturns = Callable[[Any, Callable[[int], None]], npt.NDArray[np.float32]]


def unseen_levels(env: EnvFamily, key: Key, count: int) -> PyTree:
    """Levels of the base distribution, from a key apart from any that training uses: [count]."""
    return jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.fold_in(key, 0x5EED), count))


def make_lifetime_returns(
    env: EnvFamily,
    rule: UpdateRule,
    agent: Agent,
    levels: PyTree,
    key: Key,
    mesh: Mesh,
    *,
    workers: int,
    steps: int,
    updates: int,
    episodes: int,
    batch: int,
) -> LifetimeReturns:
    """Builds the judge of one rule: the mean return at the end of life of one fresh agent a level.

    Agents of different rules on one level are born with the same key.

    Args:
      env: the family of environments.
      rule: under which agents live.
      agent: agents as the rule needs them.
      levels: [levels].
      key: all the randomness.
      mesh: levels are shared out over its devices.
      workers, steps, updates: W, T and L of every agent.
      episodes: evaluation episodes of an agent.
      batch: levels lived on side by side, rounded up to the number of devices.
    """
    count = jax.tree.leaves(levels)[0].shape[0]
    batch = min(-(-batch // mesh.size) * mesh.size, -(-count // mesh.size) * mesh.size)

    def judge(eta: Any, levels: PyTree, keys: Key) -> Array:
        length = jnp.int32(updates)
        lives = jax.vmap(lambda lv, k: lifetime.begin(env, agent, lv, length, k, workers))(levels, keys)
        lives, _ = lifetime.live(env, agent, rule, eta, lives, levels, steps, updates)
        policies = jax.vmap(agent.policy)(lives.learner.params)
        keys = lifetime.step_keys(lives, lifetime.EVALUATE)
        play = jax.vmap(lambda p, lv, k: evaluate_policy(env, agent, p, lv, k, episodes).mean())
        return play(policies, levels, keys)

    slots, everywhere = PartitionSpec(parallel.SLOTS), PartitionSpec()
    program = jax.jit(parallel.over_slots(mesh, judge, (everywhere, slots, slots), slots))
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))

    def returns(eta: Any, report: Callable[[int], None] = lambda done: None) -> npt.NDArray[np.float32]:
        parts = []
        eta = jax.device_get(eta)  # wherever it was: another placement would be another compilation
        for start in range(0, count, batch):
            which = jnp.arange(start, start + batch) % count  # the last batch is filled up from the first
            chosen, chosen_keys = jax.tree.map(lambda x, which=which: x[which], (levels, keys))
            parts.append(np.asarray(program(eta, chosen, chosen_keys)))
            report(min(start + batch, count))
        return np.concatenate(parts)[:count]

    return returns


@dataclass(frozen=True)
class Validation:
    """Returns on the validation levels, f32[levels] each."""

    student: npt.NDArray[np.float32]
    untrained: npt.NDArray[np.float32]
    a2c: npt.NDArray[np.float32]

    def normalised(self, which: str = "student", seed: int = 0) -> Interval:
        """A2C-normalised return, the ratio of mean returns over levels, with a 95 % interval."""
        return ratio_of_means(getattr(self, which), self.a2c, np.random.default_rng(seed))

    def metrics(self) -> dict[str, float]:
        """As the log names them."""
        student, untrained = self.normalised("student"), self.normalised("untrained")
        return {
            "validation/normalised_return": student.value,
            "validation/normalised_low": student.low,
            "validation/normalised_high": student.high,
            "validation/untrained_normalised": untrained.value,
            "validation/untrained_low": untrained.low,
            "validation/untrained_high": untrained.high,
            "validation/student_return": float(self.student.mean()),
            "validation/untrained_return": float(self.untrained.mean()),
            "validation/a2c_return": float(self.a2c.mean()),
        }
