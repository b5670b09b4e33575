"""One agent's lifetime in environments that are stepped on the host, while its policy and its updates are compiled.

The counterpart of `groove.lifetime` for meta-testing: there is one agent, and no gradient by the rule's parameters.
All randomness is folded from the lifetime's key and the number of updates done.
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
from groove.agents.agent import Agent, begin_learner
from groove.envs.external.host import Flags, HostEnv, Observations
from groove.lpg.base import UpdateRule
from groove.types import Array, Key, Learner, Params, Rollout

_BIRTH, _START, _ACT, _UPDATE, _EVALUATE = range(5)  # purposes of a lifetime's key
Scores = npt.NDArray[np.float64]
Report = Callable[[int, Mapping[str, float]], None]  # (updates done, what there is to say of the last one)


@dataclass(frozen=True)
class HostLife:
    """What came of a lifetime. Returns are raw: undiscounted and unclipped."""

    learner: Learner  # at the end
    evaluated_at: tuple[int, ...]  # E numbers of updates done
    returns: Scores  # [E, episodes]: of complete evaluation episodes
    truncated: Flags  # [E, episodes]: those that ran into the time limit of the evaluation environment
    train_returns: Scores  # [episodes]: of the episodes completed while learning, in the order they ended in
    train_updates: npt.NDArray[np.int64]  # [episodes]: updates done when they ended

    @property
    def curve(self) -> Scores:
        """The learning curve, f64[E]: mean returns of evaluation episodes."""
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
    """Births an agent, and updates it from its own experience until its lifetime ends.

    What is compiled is compiled once for an (agent, rule) and the shapes of `env` and `evaluation`, for all lifetimes.

    Args:
      env: where the agent learns; its W workers are reset, and seeded from `key`.
      agent: as the rule needs it.
      rule: under which the agent lives.
      eta: the rule's parameters, which stay what they are.
      key: all the randomness; that of an evaluation does not depend on which others there are.
      updates: L.
      steps: T, between updates.
      evaluation: where the agent is judged, one episode of each worker, after which it is idle (so that short episodes
        have no advantage): never the same object as `env`. How long an episode may be is this environment's affair.
      evaluate_at: numbers of updates done at which to judge, from 0 to L.
      report: hears of each update done, and of 0 where that is judged.

    Raises:
      ValueError: when asked to judge out of the agent's lifetime, or in the environment it learns in.
    """
    if not set(evaluate_at) <= set(range(updates + 1)):
        raise ValueError(f"evaluate_at = {sorted(evaluate_at)} must lie within the lifetime, from 0 to {updates}.")
    if evaluation is env:
        raise ValueError("an evaluation would break off the agent's episodes: make a second environment for it.")
    learner = _begin(agent, _fold(key, _BIRTH), jnp.int32(updates))
    workers = HostWorkers(env, _fold(key, _START))
    judged: list[tuple[Scores, Flags]] = []
    ended: list[tuple[int, float]] = []
    for done in range(updates + 1):
        metrics: dict[str, float] = {}
        if done > 0:
            experience, returns = workers.rollout(agent, learner.params, _fold(key, _ACT, done), steps)
            learner, info = _update(rule, agent, eta, learner, experience, _fold(key, _UPDATE, done))
            ended += [(done - 1, score) for score in returns]
            metrics |= {name: float(value) for name, value in info.items()}
            metrics |= {"train_return": float(np.mean(returns))} if returns else {}
        if done in evaluate_at:
            judged.append(evaluate_on_host(evaluation, agent, learner.params, _fold(key, _EVALUATE, done)))
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
    """Raw returns of one complete episode of each worker under the stochastic policy, and which the time limit ended.

    Workers that are through play on unheard until the last one is.

    Args:
      env: reset, and seeded from `key`.
      agent: how to read the policy.
      params: of one agent.
      key: all the randomness.

    Returns:
      f64[W] and bool[W].
    """
    obs = env.reset(_seed(_fold(key, _START)))
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
        self._env = env
        self._obs: Observations = env.reset(_seed(key))
        self._episode_return = np.zeros(env.workers)  # raw, of the episode so far

    def rollout(self, agent: Agent, params: Params, key: Key, steps: int) -> tuple[Rollout, list[float]]:
        """Steps T times with one policy: the Rollout [T, W, ...], and the raw returns of episodes that ended."""
        transitions, returns = [], []
        for time in range(steps):
            action = np.asarray(_act(agent, params, self._obs, key, time))
            step = self._env.step(action)
            transitions.append(
                (self._obs, action, step.reward, step.terminated, step.truncated, step.next_obs),
            )
            self._obs = step.obs
            self._episode_return += step.raw_reward
            done = step.terminated | step.truncated
            returns += self._episode_return[done].tolist()
            self._episode_return[done] = 0.0
        fields: Any = [np.stack(field) for field in zip(*transitions, strict=True)]
        return Rollout(*fields), returns


@partial(jax.jit, static_argnames="agent")
def _begin(agent: Agent, key: Key, lifetime: Array) -> Learner:
    return begin_learner(agent, key, lifetime)


@partial(jax.jit, static_argnames="agent")
def _act(agent: Agent, params: Params, obs: Array | Observations, key: Key, time: int) -> Array:
    """Actions of the stochastic policy, int32[W]."""
    _, heads = agent.read(agent.policy(params), jnp.asarray(obs), ("logits",))
    uniform = jax.random.uniform(jax.random.fold_in(key, time), obs.shape[:1])
    return ops.sample_categorical(uniform, heads["logits"])


@partial(jax.jit, static_argnames=("rule", "agent"))
def _update(
    rule: UpdateRule, agent: Agent, eta: Any, learner: Learner, experience: Rollout, key: Key
) -> tuple[Learner, dict[str, Array]]:
    """One update of one agent, which to the rule is N = 1 of them."""
    learner, experience, key = jax.tree.map(lambda x: x[None], (learner, experience, key))
    learner, info = rule.update(eta, agent, learner, experience, key)
    return jax.tree.map(lambda x: x[0], (learner, info))


@jax.jit
def _fold(key: Key, purpose: int, updates: int = 0) -> Key:
    return jax.random.fold_in(jax.random.fold_in(key, purpose), updates)


def _seed(key: Key) -> int:
    """For an environment that has a random state of its own; 31 bits."""
    return int(jax.random.bits(key, dtype=jnp.uint32)) >> 1
