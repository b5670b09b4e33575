"""The relation between an agent's prediction y and the values of its states, in agents that a rule has trained.

Library of rule_anatomy.py.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

import groove
from groove import ops
from groove.agents.agent import make_agent
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lpg.lpg import make_lpg
from groove.training.settings.config import NETWORK_AGENT
from groove.types import Rollout, Stream
from groove.utils.plotting import BLUE, GREY

WORKERS, STEPS = 16, 20
HORIZON = 600  # steps after training; returns are known for the first 300
DISCOUNT = 0.99
FEWEST_VISITS = 20  # of a state whose mean return counts as its value

Floats = npt.NDArray[np.float64]


class Visits(NamedTuple):
    """The states that trained agents visited, by level: [levels, T', W], for the T' steps whose returns are known."""

    state: npt.NDArray[np.int64]  # number that identifies the state within its level
    y: Floats  # [..., Y]: the agent's prediction
    value: Floats  # discounted return from there on


def watch(rule: groove.Rule, eta: Any, count: int, updates: int) -> Visits:
    """Train one agent per level under a rule, and record its behaviour afterwards.

    Args:
      rule: the rule.
      eta: parameters in place of the rule's own.
      count: random gridworlds.
      updates: length of each life, in agent updates.
    """
    env = make_gridworld(observation="features")
    lpg = make_lpg(rule.config)
    agent = make_agent(env.observation, lpg.heads(env.num_actions), NETWORK_AGENT)
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(0xA7A), count))
    keys = jax.random.split(jax.random.key(1), count)

    @jax.jit
    def live() -> tuple[Rollout, jax.Array]:
        length = jnp.int32(updates)
        born = jax.vmap(lambda lv, k: lifetime.begin(env, agent, lpg, lv, length, k, WORKERS, STEPS))(levels, keys)
        lives, _ = lifetime.live(env, agent, lpg, eta, born, levels, STEPS, updates)
        _, rollout, _ = lifetime.collect(env, agent, lives, levels, HORIZON, Stream.VALIDATE)
        return rollout, jax.vmap(lambda p, o: agent.read(p, o, ("y",))[1]["y"])(lives.learner.params, rollout.obs)

    rollout, y = live()
    zero = jnp.zeros_like(rollout.reward)
    returns = jax.vmap(lambda r, z, d, c: ops.generalised_advantage(r, z, z, d, c, DISCOUNT, 1.0))
    value = returns(rollout.reward, zero, rollout.terminated, rollout.truncated)
    known = slice(0, HORIZON // 2)
    states = _numbers(np.asarray(rollout.obs))
    return Visits(states[:, known], np.asarray(jax.nn.softmax(y))[:, known], np.asarray(value)[:, known])


def _numbers(obs: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return one number per state: the agent's cell, and a bit for every object that is present."""
    return obs[..., 0] + 100 * ((obs[..., 1:] >= 0) << np.arange(obs.shape[-1] - 1)).sum(-1)


def state_values(visits: Visits) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return y [n, Y], the mean return [n] and the level [n] of the n states with at least FEWEST_VISITS visits."""
    rows: list[tuple[Floats, float, int]] = []
    for level, (state, y, value) in enumerate(zip(*visits, strict=True)):
        names, where, counts = np.unique(state, return_inverse=True, return_counts=True)
        where = where.reshape(state.shape)
        total = np.bincount(where.ravel(), value.ravel(), len(names)) / counts
        first = np.unique(where.ravel(), return_index=True)[1]
        flat = y.reshape(-1, y.shape[-1])
        rows += [(flat[first[i]], total[i], level) for i in range(len(names)) if counts[i] >= FEWEST_VISITS]
    ys, values, levels = zip(*rows, strict=True)
    return np.asarray(ys), np.asarray(values), np.asarray(levels)


def read_out(visits: Visits) -> tuple[Floats, Floats, float]:
    """Fit a linear read-out of y on two thirds of the levels; return predictions, values and R^2 on the rest."""
    y, value, level = state_values(visits)
    features = np.concatenate([y, np.ones((len(y), 1))], axis=1)
    fitted = level < 2 * len(visits.state) // 3
    weights, *_ = np.linalg.lstsq(features[fitted], value[fitted], rcond=None)
    predicted, true = features[~fitted] @ weights, value[~fitted]
    return predicted, true, 1 - float(np.mean((true - predicted) ** 2) / np.var(true))


def draw_values(axes: Axes, name: str, visits: Visits) -> float:
    """Draw the values of states against a linear read-out of y, and return R^2."""
    predicted, true, r2 = read_out(visits)
    axes.plot(predicted, true, ".", color=BLUE, ms=2, alpha=0.4)
    ends = [min(predicted.min(), true.min()), max(predicted.max(), true.max())]
    axes.plot(ends, ends, color=GREY, lw=0.8, ls="--")
    axes.set(title=f"{name}: R² = {r2:.2f}", xlabel="linear read-out of y", ylabel="mean discounted return")
    return r2
