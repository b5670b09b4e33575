"""Agents whose learning rates differ, so that a rule cannot rely on a rate that was tuned for it."""

import math

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.types import Array, Heads, Key, Params, PyTree


def vary_rate(agent: Agent, spread: float) -> Agent:
    """Return an agent that draws a factor of its steps together with its initial parameters.

    The factor is log-uniform between 1 / spread and spread, and stays for the agent's life. It is kept beside the state
    of the optimizer, where rules do not see it. With a spread of 1, the agent is returned as it is.

    Args:
      agent: the agent's functions.
      spread: at least 1.
    """
    if spread == 1:
        return agent

    def init(key: Key) -> tuple[Params, PyTree]:
        own_key, rate_key = jax.random.split(key)
        params, opt_state = agent.init(own_key)
        size = math.log(spread)
        return params, (opt_state, jnp.exp(jax.random.uniform(rate_key, minval=-size, maxval=size)))

    def step(
        params: Params, opt_state: PyTree, obs: Array, gradients: Heads, factor: Array | None = None
    ) -> tuple[Params, PyTree]:
        inner, rate = opt_state
        params, inner = agent.step(params, inner, obs, gradients, rate if factor is None else rate * factor)
        return params, (inner, rate)

    return agent._replace(init=init, step=step)
