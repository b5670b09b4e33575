"""Corridors: the agent starts at the left end, and the right end pays 1 and terminates the episode."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.envs.base import Discrete, EnvFamily, Step
from groove.envs.gridworld.levels import log_uniform_int, uniform_int
from groove.types import Array, Key

SHORTEST, LONGEST = 3, 12  # moves from the left end to the right end


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CorridorLevel:
    """One corridor."""

    length: Array  # int32 []: moves from the left end to the right end
    lifetime: Array  # int32 []: agent updates


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class CorridorState:
    """The state of an episode."""

    position: Array  # int32 []
    time: Array  # int32 []: environment steps taken


def make_corridor(min_lifetime: int, max_lifetime: int) -> EnvFamily:
    """Build the family; actions are left (0) and right (1), and episodes are cut off after 4 * length steps."""

    def sample_level(key: Key) -> CorridorLevel:
        u_length, u_lifetime = jax.random.uniform(key, (2,))
        lifetime = log_uniform_int(u_lifetime, min_lifetime, max_lifetime)
        return CorridorLevel(uniform_int(u_length, SHORTEST, LONGEST), lifetime)

    def step(level: CorridorLevel, state: CorridorState, action: Array, noise: Array) -> Step:
        position, time = jnp.maximum(state.position + 2 * action - 1, 0), state.time + 1
        end = position >= level.length
        cut_off = ~end & (time >= 4 * level.length)
        return Step(CorridorState(position, time), position, jnp.where(end, 1.0, 0.0), end, cut_off)

    return EnvFamily(
        name="corridor",
        num_actions=2,
        observation=Discrete(LONGEST + 1),
        sample_level=sample_level,
        noise=lambda key, shape: jnp.zeros(shape),  # neither steps nor resets are random
        reset=lambda level, noise: (CorridorState(jnp.int32(0), jnp.int32(0)), jnp.int32(0)),
        step=step,
        lifetime=lambda level: level.lifetime,
        max_steps=lambda level: 4 * level.length,
        optimal_return=lambda level: jnp.ones_like(level.length, jnp.float32),
    )
