"""gymnax's environments as families of a single level, to test rules on tasks they never saw.

Our rollouts reset by themselves and want the true successor, so gymnax is stepped by `step_env`, which never resets.
Its games draw from PRNG keys as they go: here the noise is keys, one for a step and one for a reset.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.gridworld.named import check_name
from groove.types import Array, Key, PyTree

# ends of the names whose observations hold zeros and ones only: as bool they take a quarter of the memory
_PLANES = ("-MinAtar", "Catch-bsuite", "DeepSea-bsuite", "Pong-misc")


class Keys(NamedTuple):
    """One key for a step and one for a reset, which may share an index of the batch."""

    step: Key
    reset: Key


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StickyState:
    """A game that sometimes repeats the previous action."""

    game: PyTree
    action: Array  # int32 []: the one taken last; 0 before the first


def draw_keys(key: Key, shape: tuple[int, ...]) -> Keys:
    """Two keys for each index of `shape`, all different."""
    return Keys(*(jax.random.split(k, shape) for k in jax.random.split(key)))


def make_gymnax(name: str, max_steps: int | None = None, lifetime: int = 1, sticky: float = 0.0) -> EnvFamily:
    """Builds the family of one gymnax environment; its only level is an int32 [], the lifetime.

    Observations are f32 arrays, except MinAtar's, Catch's, DeepSea's and Pong's planes of zeros and ones, which are
    bool, and an index (FrozenLake's), which is int32. Where gymnax terminates and truncates on the same step, as
    DeepSea does, the episode is terminated. The time limit is gymnax's own rule, `is_truncated`; what gymnax counts
    as its end is not always what the original did: DiscountingChain is only ever truncated.

    Args:
      name: as gymnax registers it, e.g. "CartPole-v1", "Asterix-MinAtar", "Catch-bsuite", "FourRooms-misc". MinAtar's
        are with the minimal sets of actions.
      max_steps: the time limit, environment steps; None for gymnax's default, 1000 for MinAtar (2500 for Freeway).
        Observations that hold the fraction of the episode gone by (DiscountingChain's) follow it.
      lifetime: agent updates.
      sticky: the probability of taking the previous action again whatever the agent chose, 0.1 in MinAtar's paper.

    Raises:
      ValueError: on an unknown name, naming the nearest valid one; on actions that are not discrete; on observations
        that are not one array; on a time limit below 1 or a probability outside [0, 1].
    """
    if not 0.0 <= sticky <= 1.0:
        raise ValueError(f"sticky = {sticky} must be a probability.")
    env, params = _find(name, max_steps)
    observation = _observation(name, env, params)
    dtype = jnp.dtype(_dtype(name, observation))

    def reset(level: Array, noise: Keys) -> tuple[PyTree, Array]:
        obs, state = env.reset_env(noise.reset, params)
        return plain_arrays(state), jnp.asarray(obs, dtype)

    def step(level: Array, state: PyTree, action: Array, noise: Keys) -> Step:
        obs, following, reward, terminated, _ = env.step_env(noise.step, state, action, params)
        terminated = jnp.asarray(terminated, bool)
        return Step(
            state=plain_arrays(following),
            obs=jnp.asarray(obs, dtype),
            reward=jnp.asarray(reward, jnp.float32),
            terminated=terminated,
            truncated=~terminated & env.is_truncated(following, params),
        )

    family = EnvFamily(
        name=name,
        num_actions=int(env.action_space(params).n),
        observation=observation,
        sample_level=lambda key: jnp.int32(lifetime),
        noise=draw_keys,
        reset=reset,
        step=step,
        lifetime=lambda level: level,
        max_steps=lambda level: jnp.int32(params.max_steps_in_episode),
    )
    return _make_sticky(family, sticky) if sticky else family


def plain_arrays(tree: PyTree) -> PyTree:
    """Python numbers, and arrays typed as weakly as those, become arrays of the type JAX gives them."""
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x)), tree)


def _find(name: str, max_steps: int | None) -> tuple[Any, Any]:
    """gymnax's environment of this name and its parameters."""
    import gymnax  # starts a backend, so not before it is asked for
    from gymnax.environments import spaces

    check_name(name, gymnax.registered_envs, "gymnax environment")
    env, params = gymnax.make(name)
    if not isinstance(env.action_space(params), spaces.Discrete):
        raise ValueError(f"{name!r} has continuous actions, and agents here choose among discrete ones.")
    if max_steps is None:
        return env, params
    if max_steps < 1:
        raise ValueError(f"max_steps = {max_steps} must be positive.")
    return env, params.replace(max_steps_in_episode=max_steps)


def _observation(name: str, env: Any, params: Any) -> Discrete | Box:
    from gymnax.environments import spaces

    space = env.observation_space(params)
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    obs, _ = jax.eval_shape(lambda key: env.reset_env(key, params), jax.random.key(0))
    if not isinstance(obs, jax.ShapeDtypeStruct):
        raise ValueError(f"{name!r} observes {jax.tree.structure(obs)}, and agents here take one array.")
    return Box(tuple(obs.shape))


def _dtype(name: str, observation: Discrete | Box) -> type:
    if isinstance(observation, Discrete):
        return jnp.int32
    return jnp.bool_ if name.endswith(_PLANES) else jnp.float32


def _make_sticky(family: EnvFamily, probability: float) -> EnvFamily:
    """The family in which the previous action is taken again with this probability, action 0 being before the first."""

    def reset(level: Array, noise: Keys) -> tuple[StickyState, Array]:
        game, obs = family.reset(level, noise)
        return StickyState(game, jnp.int32(0)), obs

    def step(level: Array, state: StickyState, action: Array, noise: Keys) -> Step:
        again_key, step_key = jax.random.split(noise.step)
        taken = jnp.where(jax.random.bernoulli(again_key, probability), state.action, action.astype(jnp.int32))
        step = family.step(level, state.game, taken, noise._replace(step=step_key))
        return dataclasses.replace(step, state=StickyState(step.state, taken))

    return family._replace(reset=reset, step=step)
