"""The lifetime of one agent in environments that are stepped on the host; policy and updates are compiled.

This is the counterpart of `groove.lifetimes.lifetime` for meta-testing: one agent, and no gradient with respect to the
parameters of the rule. All randomness is folded from the key of the lifetime and the number of updates done.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from groove import ops
from groove.agents.agent import Agent
from groove.envs.external.host import Flags, HostEnv, Observations
from groove.lifetimes.rollout import blank_rollout
from groove.lpg.base import UpdateInfo, UpdateRule, begin_under
from groove.types import LOGITS, Array, Key, Learner, Params, Rollout, Stream

Scores = npt.NDArray[np.float64]
Report = Callable[[int, Mapping[str, float]], None]  # (updates done, metrics of the last update)


@dataclass(frozen=True)
class HostLife:
    """The results of a lifetime. Returns are raw: undiscounted and unclipped."""

    learner: Learner  # at the end
    evaluated_at: tuple[int, ...]  # [E]: updates done at each evaluation
    returns: Scores  # [E, episodes]: returns of complete evaluation episodes
    truncated: Flags  # [E, episodes]: whether the time limit of the evaluation environment ended the episode
    train_returns: Scores  # [episodes]: returns of the training episodes, in the order of their ends
    train_updates: npt.NDArray[np.int64]  # [episodes]: updates done when each training episode ended

    @property
    def curve(self) -> Scores:
        """Mean returns of the evaluation episodes, f64[E]."""
        return self.returns.mean(axis=1)


def live_on_host(
    env: HostEnv,
    agent: Agent,
    rule: UpdateRule,
    eta: Any,
    *,
    key: Key,
    updates: int,
    steps: int,
    evaluation: HostEnv,
    evaluate_at: Collection[int] = (),
    report: Report = lambda done, metrics: None,
) -> HostLife:
    """Train a new agent from its own experience until its lifetime ends.

    Programs are compiled once for an (agent, rule) and the shapes of `env` and `evaluation`, and serve all lifetimes.

    Args:
      env: the environment that the agent learns in; its W workers are reset, and seeded from `key`.
      agent: an agent with the heads that the rule needs.
      rule: the update rule.
      eta: the parameters of the rule; they do not change.
      key: all the randomness; the randomness of an evaluation does not depend on other evaluations.
      updates: L, agent updates.
      steps: T, environment steps of a worker between updates.
      evaluation: the environment of evaluations, another object than `env`. Only the first episode of each worker
        counts, so that short episodes have no advantage. This environment decides how long an episode may be.
      evaluate_at: numbers of updates after which to evaluate, from 0 to L.
      report: called with (updates done, metrics) after every update, and once with 0 if 0 is in `evaluate_at`.

    Raises:
      ValueError: if `evaluate_at` does not lie within the lifetime, or `evaluation` is `env`.
    """
    if not set(evaluate_at) <= set(range(updates + 1)):
        raise ValueError(f"evaluate_at = {sorted(evaluate_at)} must lie between 0 and {updates}, the lifetime.")
    if evaluation is env:
        raise ValueError("evaluation is env, whose episodes an evaluation would cut off: make a second environment.")
    workers = HostWorkers(env, _fold(key, Stream.HOST_START))
    blank = blank_rollout(workers.obs, steps)
    learner = _begin(rule, agent, _fold(key, Stream.HOST_BIRTH), jnp.int32(updates), blank)
    judged: list[tuple[Scores, Flags]] = []
    ended: list[tuple[int, float]] = []
    for done in range(updates + 1):
        metrics: dict[str, float] = {}
        if done > 0:
            experience, returns = workers.rollout(agent, learner.params, _fold(key, Stream.HOST_ACT, done), steps)
            learner, info = _update(rule, agent, eta, learner, experience, _fold(key, Stream.HOST_UPDATE, done))
            ended += [(done - 1, score) for score in returns]
            metrics |= {name: float(value) for name, value in info.metrics.items()}
            metrics |= {"train_return": float(np.mean(returns))} if returns else {}
        if done in evaluate_at:
            judged.append(evaluate_on_host(evaluation, agent, learner.params, _fold(key, Stream.HOST_EVALUATE, done)))
            metrics["evaluation_return"] = float(judged[-1][0].mean())
        if metrics:
            report(done, metrics)
    shape = (len(judged), evaluation.workers)
    return HostLife(
        learner=learner,
        evaluated_at=tuple(sorted(set(evaluate_at))),
        returns=np.array([returns for returns, _ in judged], np.float64).reshape(shape),
        truncated=np.array([truncated for _, truncated in judged], np.bool_).reshape(shape),
        train_returns=np.array([score for _, score in ended], np.float64),
        train_updates=np.array([done for done, _ in ended], np.int64),
    )


def evaluate_on_host(env: HostEnv, agent: Agent, params: Params, key: Key) -> tuple[Scores, Flags]:
    """Play one complete episode of each worker under the stochastic policy.

    Finished workers keep stepping until all are done; their rewards are ignored.

    Args:
      env: reset, and seeded from `key`.
      agent: reads the policy.
      params: of one agent.
      key: all the randomness.

    Returns:
      The raw returns f64[W], and whether the time limit ended the episode, bool[W].
    """
    obs = env.reset(_seed(_fold(key, Stream.HOST_START)))
    total = np.zeros(env.workers)
    alive, cut_off = np.ones(env.workers, np.bool_), np.zeros(env.workers, np.bool_)
    time = 0
    while alive.any():
        step = env.step(np.asarray(_act(agent, params, obs, key, time)))
        total += np.where(alive, step.raw_reward, 0.0)
        cut_off |= alive & step.truncated
        alive &= ~(step.terminated | step.truncated)
        obs, time = step.obs, time + 1
    return total, cut_off


class HostWorkers:
    """W workers in the middle of their episodes."""

    def __init__(self, env: HostEnv, key: Key) -> None:
        """Reset the workers, seeded from `key`."""
        self._env = env
        self.obs: Observations = env.reset(_seed(key))  # [W, ...], which the next actions answer
        self._episode_return = np.zeros(env.workers)  # raw return of the current episode

    def rollout(self, agent: Agent, params: Params, key: Key, steps: int) -> tuple[Rollout, list[float]]:
        """Step T times with one policy: the Rollout [T, W, ...], and the raw returns of episodes that ended."""
        transitions, returns = [], []
        for time in range(steps):
            action = np.asarray(_act(agent, params, self.obs, key, time))
            step = self._env.step(action)
            transitions.append(
                (self.obs, action, step.reward, step.terminated, step.truncated, step.next_obs),
            )
            self.obs = step.obs
            self._episode_return += step.raw_reward
            done = step.terminated | step.truncated
            returns += self._episode_return[done].tolist()
            self._episode_return[done] = 0.0
        fields: Any = [np.stack(field) for field in zip(*transitions, strict=True)]
        return Rollout(*fields), returns


@partial(jax.jit, static_argnames=("rule", "agent"))
def _begin(rule: UpdateRule, agent: Agent, key: Key, lifetime: Array, blank: Rollout) -> Learner:
    return begin_under(rule, agent, key, lifetime, blank)


@partial(jax.jit, static_argnames="agent")
def _act(agent: Agent, params: Params, obs: Array | Observations, key: Key, time: int) -> Array:
    """Sample actions of the stochastic policy, int32[W]."""
    _, heads = agent.read(agent.policy(params), jnp.asarray(obs), (LOGITS,))
    uniform = jax.random.uniform(jax.random.fold_in(key, time), obs.shape[:1])
    return ops.sample_categorical(uniform, heads[LOGITS])


@partial(jax.jit, static_argnames=("rule", "agent"))
def _update(
    rule: UpdateRule, agent: Agent, eta: Any, learner: Learner, experience: Rollout, key: Key
) -> tuple[Learner, UpdateInfo]:
    """Make one update of one agent, a batch of N = 1 to the rule."""
    learner, experience, key = jax.tree.map(lambda x: x[None], (learner, experience, key))
    learner, info = rule.update(eta, agent, learner, experience, key)
    return jax.tree.map(lambda x: x[0], (learner, info))


@jax.jit
def _fold_in(key: Key, stream: int, updates: int) -> Key:
    return jax.random.fold_in(jax.random.fold_in(key, stream), updates)


def _fold(key: Key, stream: Stream, updates: int = 0) -> Key:
    return _fold_in(key, int(stream), updates)


def _seed(key: Key) -> int:
    """Return a seed of 31 bits for an environment with a random state of its own."""
    return int(jax.random.bits(key, dtype=jnp.uint32)) >> 1
