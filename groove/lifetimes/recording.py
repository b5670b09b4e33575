"""Recorded lives: one agent on one level, with its returns and an episode to watch at several ages."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove.agents.agent import Agent
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import act, evaluate_policy, start_workers
from groove.lpg.base import UpdateRule
from groove.types import Array, Key, Params, PyTree, Stream
from groove.utils import parallel

# (policy, level, key) -> returns f32[episodes], and an episode to watch
Performance = Callable[[Params, PyTree, Key], tuple[Array, "Act"]]
_WATCHED = 1  # folded into the key of an evaluation


class Act(NamedTuple):
    """The beginning of one episode.

    Attributes:
      states: states of the environment, [steps + 1, ...]; those after the end are undefined.
      reward: f32[steps].
      ended: bool[steps], whether the episode ended in this step.
    """

    states: PyTree
    reward: Array
    ended: Array

    @property
    def length(self) -> int:
        """Steps until the end of the episode, or of the record."""
        ends = np.flatnonzero(self.ended)
        return int(ends[0]) + 1 if len(ends) else len(self.ended)


class Life(NamedTuple):
    """The returns and the acts of one agent at several ages.

    Attributes:
      ages: agent updates, increasing.
      returns: undiscounted returns of complete episodes of the stochastic policy at these ages, f32[ages, episodes].
      acts: the beginning of another episode at each age, NumPy arrays.
    """

    ages: tuple[int, ...]
    returns: npt.NDArray[np.float32]
    acts: tuple[Act, ...]


class LifeRecorder:
    """Records lives under one rule; the programs are compiled once, at the first life.

    A life depends on its key and level only.
    """

    def __init__(
        self, env: EnvFamily, rule: UpdateRule, agent: Agent, perform: Performance, *, workers: int, steps: int
    ) -> None:
        """Prepare the programs; compile nothing yet.

        Args:
          env: the family of environments.
          rule: the update rule.
          agent: agents with the heads that the rule needs.
          perform: what `make_performance` returned for an agent whose policies have the same form.
          workers: W.
          steps: T.
        """

        @functools.partial(jax.jit, compiler_options=parallel.RUN_ONCE)
        def begin(level: PyTree, key: Key, length: Array) -> Lifetime:
            life = lifetime.begin(env, agent, rule, level, length, key, workers, steps)
            return jax.tree.map(lambda x: x[None], life)

        @functools.partial(jax.jit, donate_argnums=1)
        def go_on(eta: Any, lives: Lifetime, level: PyTree, updates: Array) -> tuple[Lifetime, Params, Key]:
            levels = jax.tree.map(lambda x: jnp.asarray(x)[None], level)
            lives, _ = lifetime.live(env, agent, rule, eta, lives, levels, steps, updates)
            (key,) = lifetime.step_keys(lives, Stream.EVALUATE)
            return lives, agent.policy(jax.tree.map(lambda x: x[0], lives.learner.params)), key

        self._begin, self._go_on, self._perform = begin, go_on, perform

    def __call__(self, eta: Any, level: PyTree, key: Key, ages: Sequence[int]) -> Life:
        """Record the life of a new agent on a level.

        Args:
          eta: the parameters of the rule.
          level: one level.
          key: all the randomness of the life.
          ages: agent updates at which the agent is evaluated and watched, increasing; the last is its lifetime.
        """
        lives = self._begin(level, key, np.int32(ages[-1]))
        returns: list[Any] = []
        acts: list[Act] = []
        before = 0
        for age in ages:
            lives, policy, own_key = self._go_on(eta, lives, level, np.int32(age - before))
            values, act = self._perform(policy, level, own_key)
            returns.append(np.asarray(values))
            acts.append(jax.tree.map(np.asarray, act))
            before = age
        return Life(tuple(ages), np.stack(returns), tuple(acts))


def make_performance(env: EnvFamily, agent: Agent, *, episodes: int, watched: int) -> Performance:
    """Build the function that evaluates and watches policies of the form of an agent's (`policy_form`).

    Args:
      env: the family of environments.
      agent: reads policies.
      episodes: evaluation episodes.
      watched: environment steps of the episode that is recorded, at most.
    """

    @jax.jit
    def evaluate(policy: Params, level: PyTree, key: Key) -> Array:
        return evaluate_policy(env, agent, policy, level, key, episodes)

    @jax.jit
    def record(policy: Params, level: PyTree, key: Key) -> Act:
        return watch(env, agent, policy, level, jax.random.fold_in(key, _WATCHED), watched)

    return lambda policy, level, key: (evaluate(policy, level, key), record(policy, level, key))


def watch(env: EnvFamily, agent: Agent, policy: Params, level: PyTree, key: Key, steps: int) -> Act:
    """Play the beginning of one episode of the stochastic policy.

    Args:
      env: the family of environments.
      agent: reads the policy.
      policy: `agent.policy(params)`.
      level: one level.
      key: all the randomness.
      steps: environment steps to record.
    """
    start_key, act_key, env_key = jax.random.split(key, 3)
    start = start_workers(env, level, start_key, 1)
    uniform = jax.random.uniform(act_key, (steps, 1))

    def one(carry: tuple[PyTree, Array], draw: tuple[Array, PyTree]) -> tuple[tuple[PyTree, Array], Any]:
        _, step = act(env, agent, policy, level, *carry, *draw)
        return (step.state, step.obs), (step.state, step.reward, step.terminated | step.truncated)

    _, (states, reward, ended) = jax.lax.scan(one, (start.state, start.obs), (uniform, env.noise(env_key, (steps, 1))))
    states = jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest])[:, 0], start.state, states)
    return Act(states, reward[:, 0], ended[:, 0])


def ages_until(length: int, count: int) -> tuple[int, ...]:
    """Return up to `count` + 1 ages from birth to the end of a lifetime, evenly spaced, the middle among them.

    Args:
      length: agent updates of the lifetime.
      count: intervals between ages; an even number has the middle of the lifetime among the ages.
    """
    return tuple(sorted({round(i * length / count) for i in range(count + 1)}))
