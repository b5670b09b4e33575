"""gymnax's environments as families of a single level, to test rules on tasks outside their training distribution.

Rollouts reset environments themselves and need the true successor of every step. gymnax is therefore stepped by
`step_env`, which never resets. gymnax's games draw random numbers from PRNG keys, so the noise is keys.
"""

from typing import Any

import jax
import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.envs.external.single_level import make_single_level
from groove.types import Array, PyTree
from groove.utils.errors import GrooveError, unknown_name

# ends of the names whose observations hold only zeros and ones: bool takes a quarter of the memory of f32
_PLANES = ("-MinAtar", "Catch-bsuite", "DeepSea-bsuite", "Pong-misc")


def make_gymnax(name: str, max_steps: int | None = None, lifetime: int = 1) -> EnvFamily:
    """Build the family of one gymnax environment; its only level is an int32 [], the lifetime.

    Observations are f32 arrays, with two exceptions: the planes of zeros and ones of MinAtar, Catch, DeepSea and Pong
    are bool, and an index (FrozenLake) is int32. An episode that gymnax terminates and truncates on the same step, as
    in DeepSea, counts as terminated. The time limit is gymnax's own rule, `is_truncated`. The ends of episodes are
    gymnax's, which differ from the original environment's in places: DiscountingChain is only ever truncated.

    Args:
      name: the name in gymnax's registry, for example "CartPole-v1", "Asterix-MinAtar" or "Catch-bsuite". MinAtar's
        games have their minimal sets of actions.
      max_steps: the time limit, environment steps; None for gymnax's default (1000 for MinAtar, 2500 for Freeway).
        Observations of the elapsed share of the episode (DiscountingChain) use this limit.
      lifetime: agent updates.

    Raises:
      GrooveError: on an unknown name, continuous actions, observations that are not a single array, or a time limit
        below 1.
    """
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

    return make_single_level(
        name,
        int(env.action_space(params).n),
        observation,
        reset,
        step,
        lifetime=lifetime,
        limit=params.max_steps_in_episode,
    )


def _find(name: str, max_steps: int | None) -> tuple[Any, Any]:
    """Return gymnax's environment of this name, and its parameters."""
    import gymnax  # imported late because it starts a backend
    from gymnax.environments import spaces

    if name not in gymnax.registered_envs:
        raise unknown_name("gymnax environment", name, gymnax.registered_envs)
    env, params = gymnax.make(name)
    if not isinstance(env.action_space(params), spaces.Discrete):
        raise GrooveError(f'"{name}" has continuous actions; choose an environment with discrete actions.')
    if max_steps is None:
        return env, params
    if max_steps < 1:
        raise GrooveError(f"max_steps = {max_steps} must be positive.")
    return env, params.replace(max_steps_in_episode=max_steps)


def _observation(name: str, env: Any, params: Any) -> Discrete | Box:
    from gymnax.environments import spaces

    space = env.observation_space(params)
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    obs, _ = jax.eval_shape(lambda key: env.reset_env(key, params), jax.random.key(0))
    if not isinstance(obs, jax.ShapeDtypeStruct):
        raise GrooveError(
            f'"{name}" has observations {jax.tree.structure(obs)}; choose an environment that observes one array.'
        )
    return Box(tuple(obs.shape))


def _dtype(name: str, observation: Discrete | Box) -> type:
    if isinstance(observation, Discrete):
        return jnp.int32
    return jnp.bool_ if name.endswith(_PLANES) else jnp.float32
