"""A training loop with NumPy environments, a Flax agent, and a learned rule.

    python examples/gymnasium_loop.py --rule groove

The example needs gymnasium and Flax (pip install "groove-rl[examples]"). `--rule a2c` uses A2C's loss instead of the
learned rule.
"""

import time
from collections import deque
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging
from baselines.a2c import A2C  # beside this program; a loop of your own needs it for --rule a2c only
from flax import linen

import groove

_RULE = flags.DEFINE_string("rule", "groove", "Update rule: a released rule, a run directory, a rule file, or a2c.")
_ENV = flags.DEFINE_string("env", "CartPole-v1", "Name of the environment in gymnasium; its actions must be discrete.")
_UPDATES = flags.DEFINE_integer("updates", 2500, "Length of the run, in agent updates.")
_WORKERS = flags.DEFINE_integer("workers", 64, "Environments that run side by side.")
_STEPS = flags.DEFINE_integer("steps", 20, "Environment steps of each environment in one rollout.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Learning rate of Adam.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of every random stream.")


class Torso(linen.Module):
    """A network of your own, without heads."""

    @linen.compact
    def __call__(self, obs: jax.Array) -> jax.Array:
        """Return features [B, 64] of observations [B, ...]."""
        x = obs.reshape((obs.shape[0], -1))
        return linen.relu(linen.Dense(64)(linen.relu(linen.Dense(64)(x))))


def main(argv: list[str]) -> None:
    """Train one agent, and print its returns."""
    del argv
    logging.set_verbosity(logging.ERROR)
    same_step = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
    envs = gymnasium.make_vec(_ENV.value, _WORKERS.value, vectorization_mode="sync", vector_kwargs=same_step)
    rule = A2C() if _RULE.value == "a2c" else groove.load(_RULE.value)
    agent = groove.flax_agent(Torso(), int(envs.single_action_space.n), rule)
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(_LEARNING_RATE.value))

    @jax.jit
    def act(params: Any, obs: jax.Array, key: jax.Array) -> jax.Array:
        return jax.random.categorical(key, agent.apply(params, obs)[0])

    @jax.jit
    def learn(learner: groove.AgentState, rollout: groove.Rollout, key: jax.Array) -> groove.AgentState:
        lifetime = float(_UPDATES.value)
        return rule.update(learner, agent.apply, optimizer, rollout, key, lifetime=lifetime)[0]

    obs, _ = envs.reset(seed=_SEED.value)
    key = jax.random.key(_SEED.value)
    learner = rule.init(agent.init(key, jnp.asarray(obs)), optimizer)
    running, recent, start = np.zeros(_WORKERS.value), deque(maxlen=200), time.time()
    for update in range(_UPDATES.value):
        rows, update_key = [], jax.random.fold_in(key, update)
        for step in range(_STEPS.value):
            seen, step_key = obs, jax.random.fold_in(update_key, step)
            action = np.asarray(act(learner.params, seen, step_key))
            obs, reward, terminated, truncated, info = envs.step(action)
            successor = obs.copy()
            for i in np.flatnonzero(info.get("_final_obs", [])):  # the last observation, before the reset
                successor[i] = info["final_obs"][i]
            truncated &= ~terminated
            rows.append((seen, action, reward.astype(np.float32), terminated, truncated, successor))
            running += reward
            recent.extend(running[terminated | truncated])
            running[terminated | truncated] = 0.0
        rollout = groove.Rollout(*(np.stack(column) for column in zip(*rows, strict=True)))
        learner = learn(learner, rollout, jax.random.fold_in(update_key, _STEPS.value))
        if (update + 1) % max(_UPDATES.value // 10, 1) == 0:
            steps = (update + 1) * _WORKERS.value * _STEPS.value
            mean = np.mean(recent) if recent else float("nan")
            print(f"{steps:>10,} steps  return {mean:8.2f}  {time.time() - start:5.0f} s", flush=True)


if __name__ == "__main__":
    app.run(main)
