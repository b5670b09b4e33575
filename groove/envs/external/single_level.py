"""Games of other packages as families of a single level, an int32 []: the lifetime of an agent."""

from collections.abc import Callable

import jax.numpy as jnp

from groove.envs.base import Box, Discrete, EnvFamily, Step
from groove.envs.external.key_noise import Keys, draw_keys
from groove.types import Array, PyTree


def make_single_level(
    name: str,
    num_actions: int,
    observation: Discrete | Box,
    reset: Callable[[Array, Keys], tuple[PyTree, Array]],
    step: Callable[[Array, PyTree, Array, Keys], Step],
    *,
    lifetime: int,
    limit: int,
) -> EnvFamily:
    """Build the family of one game that draws its random numbers from keys.

    Args:
      name: of the family.
      num_actions: A.
      observation: the observation space.
      reset: (level, noise) -> (state, observation).
      step: (level, state, action, noise) -> the step.
      lifetime: agent updates.
      limit: the longest episode, environment steps.
    """
    return EnvFamily(
        name=name,
        num_actions=num_actions,
        observation=observation,
        sample_level=lambda key: jnp.int32(lifetime),
        noise=draw_keys,
        reset=reset,
        step=step,
        lifetime=lambda level: level,
        max_steps=lambda level: jnp.int32(limit),
    )
