"""Rule files, and rollouts of random numbers."""

import dataclasses

import jax
import numpy as np

import groove
from groove.dropin.rule_file import save_rule
from groove.lpg.lpg import make_lpg
from groove.lpg.lpg_config import LPGConfig


def write_rule(path, spread=0.1, **changes):
    """Write the file of a small rule, whose parameters are the initial ones plus noise; the path as a string."""
    config = dataclasses.replace(LPGConfig(hidden=8, prediction_width=5), **changes)
    eta = jax.device_get(jax.jit(make_lpg(config).init)(jax.random.key(0)))
    rng = np.random.default_rng(1)  # residuals and biases begin at zero, which would hide mistakes
    eta = jax.tree.map(lambda x: (x + spread * rng.normal(size=x.shape)).astype(np.float32), eta)
    save_rule(path, eta, {"rule": "lpg", "lpg": dataclasses.asdict(config)})
    return str(path)


def random_rollout(steps, workers, actions, obs=(7,), seed=0):
    """Return a rollout of NumPy arrays in which a third of the steps end an episode in either way."""
    rng = np.random.default_rng(seed)
    shape = (steps, workers)
    end = rng.random(shape) < 0.3
    terminated = end & (rng.random(shape) < 0.5)
    return groove.Rollout(
        obs=rng.normal(size=(*shape, *obs)).astype(np.float32),
        action=rng.integers(actions, size=shape),
        reward=rng.normal(size=shape).astype(np.float32),
        terminated=terminated,
        truncated=end & ~terminated,
        next_obs=rng.normal(size=(*shape, *obs)).astype(np.float32),
    )


def padded(rollout, rows=2):
    """Return the rollout with hidden rows of nonsense before and after it."""

    def pad(x, value):
        block = np.full((rows, *x.shape[1:]), value).astype(x.dtype)
        return np.concatenate([block, x, block])

    return groove.Rollout(
        obs=pad(rollout.obs, 7.0),
        action=pad(rollout.action, -1),
        reward=pad(rollout.reward, np.nan),
        terminated=pad(rollout.terminated, False),
        truncated=pad(rollout.truncated, False),
        next_obs=pad(rollout.next_obs, 7.0),
        mask=pad(np.ones(rollout.reward.shape, bool), False),
    )
