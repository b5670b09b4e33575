"""Tiny environments, each isolating one thing, with returns known by hand."""

import jax.numpy as jnp

from groove.envs.base import Discrete, EnvFamily, Step


def make_probe(length: int, limit: int, rewards: tuple[float, ...] = (1.0,)) -> EnvFamily:
    """A corridor of `length` states, walked whatever one does; action a pays rewards[a] in the last state.

    Reaching the end terminates the episode, unless `limit` steps truncate it first.
    """

    def step(level, state, action, noise):
        position = state + 1
        terminated = position >= length
        reward = jnp.where(position >= length, jnp.asarray(rewards)[action], 0.0)
        return Step(position, position, reward, terminated, ~terminated & (position >= limit))

    return EnvFamily(
        name="probe",
        num_actions=len(rewards),
        observation=Discrete(length + 1),
        sample_level=lambda key: {"lifetime": jnp.int32(20)},
        noise=lambda key, shape: jnp.zeros(shape),
        reset=lambda level, noise: (jnp.int32(0), jnp.int32(0)),
        step=step,
        lifetime=lambda level: level["lifetime"],
        max_steps=lambda level: jnp.int32(limit),
    )
