"""MiniGrid in JAX, by XLand-MiniGrid, as families of a single level, to test rules on tasks outside their training."""

from typing import Any

import jax
import jax.numpy as jnp

from groove.envs.base import Box, EnvFamily, Step
from groove.envs.external.key_noise import Keys, plain_arrays
from groove.envs.external.single_level import make_single_level
from groove.types import Array, PyTree
from groove.utils.errors import GrooveError, missing_extra, unknown_name

NAMES = ("EmptyRandom-8x8", "FourRooms", "DoorKey-6x6", "Unlock")


def make_minigrid(name: str, lifetime: int = 1, max_steps: int | None = None) -> EnvFamily:
    """Build the family of one of MiniGrid's tasks; its only level is an int32 [], the lifetime.

    Every episode draws a room anew. The agent sees the 7 x 7 cells before it, turned so that it looks up, through
    walls. The observation is bool [7, 7, 26]: one plane for each of 13 tiles and for each of 12 colours, and one that
    is set everywhere while the agent carries something, because XLand-MiniGrid does not show what is carried. Actions
    are forward, right, left, pick up, put down, toggle. Reaching the goal after t steps pays 1 - 0.9 t / limit and
    terminates the episode; nothing else pays.

    * EmptyRandom-8x8 (limit 256 steps): the goal is in a corner, the agent starts anywhere.
    * FourRooms (limit 100): four rooms with one door between neighbours; goal and agent are anywhere.
    * DoorKey-6x6 (limit 360): the agent has to find a key, to open a door with it and to walk to the goal behind.
    * Unlock (limit 288): the agent has to find a key and to open a door with it.

    Args:
      name: one of `NAMES`.
      lifetime: agent updates.
      max_steps: the time limit, environment steps; None for XLand-MiniGrid's own.

    Raises:
      GrooveError: if XLand-MiniGrid is not installed, on an unknown name, or on a time limit below 1.
    """
    if name not in NAMES:
        raise unknown_name("MiniGrid task", name, NAMES)
    if max_steps is not None and max_steps < 1:
        raise GrooveError(f"max_steps = {max_steps} must be positive.")
    env, params, num_tiles, num_colours = _make(name)
    if max_steps is not None:
        params = params.replace(max_steps=max_steps)
    limit, view = params.max_steps, params.view_size

    def observe(timestep: Any) -> Array:
        tiles, colours = jnp.moveaxis(timestep.observation, -1, 0)
        carries = timestep.state.agent.pocket[0] != 0
        planes = [jax.nn.one_hot(tiles, num_tiles, dtype=bool), jax.nn.one_hot(colours, num_colours, dtype=bool)]
        return jnp.concatenate([*planes, jnp.full((view, view, 1), carries)], axis=-1)

    def reset(level: Array, noise: Keys) -> tuple[PyTree, Array]:
        timestep = env.reset(params, noise.reset)
        return _without_key(timestep), observe(timestep)

    def step(level: Array, state: Any, action: Array, noise: Keys) -> Step:
        following = env.step(params, state, action)
        terminated = following.last() & (following.discount == 0)
        return Step(
            state=_without_key(following),
            obs=observe(following),
            reward=following.reward.astype(jnp.float32),
            terminated=terminated,
            truncated=following.last() & ~terminated,
        )

    return make_single_level(
        name,
        env.num_actions(params),
        Box((view, view, num_tiles + num_colours + 1)),
        reset,
        step,
        lifetime=lifetime,
        limit=limit,
    )


def _make(name: str) -> tuple[Any, Any, int, int]:
    """Return XLand-MiniGrid's environment, its parameters, and the numbers of tiles and colours."""
    try:
        import xminigrid  # noqa: F401  (fills the registry)
        from xminigrid.core.constants import NUM_COLORS, NUM_TILES
        from xminigrid.registration import make
    except ImportError as error:
        raise missing_extra("xminigrid", "minigrid") from error
    return *make(f"MiniGrid-{name}"), NUM_TILES, NUM_COLORS


def _without_key(timestep: Any) -> PyTree:
    """Return the time step as arrays without its key, which no step of these tasks reads."""
    return plain_arrays(timestep.replace(state=timestep.state.replace(key=None)))
