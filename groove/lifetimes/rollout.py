"""Acting: rollouts of fixed length with automatic resets, and complete episodes for evaluation."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove import ops
from groove.agents.agent import Agent
from groove.envs.base import EnvFamily, Step
from groove.types import LOGITS, Array, Key, Params, PyTree, Rollout
from groove.utils.arrays import select


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Workers:
    """W workers on one level, each in the middle of an episode."""

    state: PyTree  # [W, ...]
    obs: Array  # [W, ...]
    episode_return: Array  # f32 [W]: undiscounted return of the current episode


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class EpisodeStats:
    """Statistics of complete episodes."""

    return_sum: Array  # f32 []
    episodes: Array  # f32 []: number of episodes
    best: Array  # f32 []: highest return; -inf if there are no episodes

    @staticmethod
    def none(shape: tuple[int, ...] = ()) -> "EpisodeStats":
        """Return the statistics of no episodes."""
        return EpisodeStats(jnp.zeros(shape), jnp.zeros(shape), jnp.full(shape, -jnp.inf, float))

    def and_then(self, later: "EpisodeStats") -> "EpisodeStats":
        """Return the statistics of these and later episodes together."""
        return EpisodeStats(
            return_sum=self.return_sum + later.return_sum,
            episodes=self.episodes + later.episodes,
            best=jnp.maximum(self.best, later.best),
        )


def blank_rollout(obs: Any, steps: int) -> Rollout:
    """Return a rollout of zeros, of the shapes and types of those to come.

    Args:
      obs: [W, ...], observations, or their shape and type.
      steps: T.
    """
    size = (steps, obs.shape[0])
    seen, never = jnp.zeros((steps, *obs.shape), obs.dtype), jnp.zeros(size, bool)
    return Rollout(seen, jnp.zeros(size, jnp.int32), jnp.zeros(size), never, never, seen)


def start_workers(env: EnvFamily, level: PyTree, key: Key, workers: int) -> Workers:
    """Reset W workers on one level."""
    state, obs = jax.vmap(env.reset, (None, 0))(level, env.noise(key, (workers,)))
    return Workers(state=state, obs=obs, episode_return=jnp.zeros(workers))


def act(
    env: EnvFamily,
    agent: Agent,
    params: Params,
    level: PyTree,
    state: PyTree,
    obs: Array,
    uniform: Array,
    noise: PyTree,
) -> tuple[Array, Step]:
    """Make one step of W workers under the stochastic policy: (actions int32[W], Step [W])."""
    _, heads = agent.read(params, obs, (LOGITS,))
    action = ops.sample_categorical(uniform, heads[LOGITS])
    return action, jax.vmap(env.step, (None, 0, 0, 0))(level, state, action, noise)


def rollout(
    env: EnvFamily, agent: Agent, params: Params, level: PyTree, workers: Workers, key: Key, steps: int
) -> tuple[Workers, Rollout, EpisodeStats]:
    """Step W workers T times with one policy; a worker whose episode ends starts a new one.

    No gradient flows through acting. `next_obs` of the Rollout holds the true successors, never observations after a
    reset, so that truncated episodes can be bootstrapped.

    Args:
      env: the family of environments.
      agent: reads the policy.
      params: of one agent.
      level: one level.
      workers: the episodes in progress.
      key: all the randomness of the rollout.
      steps: T.

    Returns:
      The workers after the rollout, the Rollout [T, W, ...], and its complete episodes.
    """
    params = jax.lax.stop_gradient(agent.policy(params))
    count = workers.episode_return.shape[0]
    act_key, env_key = jax.random.split(key)
    uniform = jax.random.uniform(act_key, (steps, count))
    noise = env.noise(env_key, (steps, count))

    def body(workers: Workers, draw: tuple[Array, PyTree]) -> tuple[Workers, tuple[Rollout, Array]]:
        action, step = act(env, agent, params, level, workers.state, workers.obs, *draw)
        done = step.terminated | step.truncated
        fresh = jax.vmap(env.reset, (None, 0))(level, draw[1])
        state, obs = jax.tree.map(lambda a, b: select(done, a, b), fresh, (step.state, step.obs))
        episode_return = workers.episode_return + step.reward
        transition = Rollout(
            obs=workers.obs,
            action=action,
            reward=step.reward,
            terminated=step.terminated,
            truncated=step.truncated,
            next_obs=step.obs,
        )
        following = Workers(state=state, obs=obs, episode_return=jnp.where(done, 0.0, episode_return))
        return following, (transition, episode_return)

    workers, (transitions, returns) = jax.lax.scan(body, workers, (uniform, noise))
    done = transitions.terminated | transitions.truncated
    episodes = EpisodeStats(
        return_sum=jnp.sum(returns, where=done),
        episodes=done.sum(dtype=jnp.float32),
        best=jnp.max(returns, where=done, initial=-jnp.inf),
    )
    return workers, transitions, episodes


def evaluate_policy(
    env: EnvFamily, agent: Agent, policy: Params, level: PyTree, key: Key, episodes: int, block: int = 32
) -> Array:
    """Return the undiscounted returns of complete episodes of the stochastic policy, f32[episodes].

    All episodes are stepped side by side, in blocks of steps. Randomness is drawn block by block, and stepping stops
    after the block in which the last episode ends.

    Args:
      env: the family of environments.
      agent: reads the policy.
      policy: `agent.policy(params)`.
      level: one level.
      key: all the randomness.
      episodes: number of episodes.
      block: environment steps per block.
    """
    start_key, key = jax.random.split(key)

    def body(carry: tuple[Array, Workers, Array]) -> tuple[Array, Workers, Array]:
        index, workers, alive = carry
        act_key, env_key = jax.random.split(jax.random.fold_in(key, index))
        uniform = jax.random.uniform(act_key, (block, episodes))

        def one(carry: tuple[Workers, Array], draw: tuple[Array, PyTree]) -> tuple[tuple[Workers, Array], None]:
            workers, alive = carry
            _, step = act(env, agent, policy, level, workers.state, workers.obs, *draw)
            total = workers.episode_return + jnp.where(alive, step.reward, 0.0)
            return (Workers(step.state, step.obs, total), alive & ~(step.terminated | step.truncated)), None

        (workers, alive), _ = jax.lax.scan(one, (workers, alive), (uniform, env.noise(env_key, (block, episodes))))
        return index + 1, workers, alive

    start = start_workers(env, level, start_key, episodes)
    carry = (jnp.int32(0), start, jnp.ones(episodes, bool))
    _, workers, _ = jax.lax.while_loop(lambda carry: carry[2].any(), body, carry)
    return workers.episode_return
