"""A training loop in JAX with a learned rule, in the style of purejaxrl.

    python examples/gymnax_loop.py --rule groove --env CartPole-v1

One jitted scan collects rollouts and updates the agent. `--rule a2c` uses A2C's loss instead of the learned rule.
"""

import functools
import time
from typing import Any, NamedTuple

import gymnax
import haiku as hk
import jax
import jax.numpy as jnp
import optax
from absl import app, flags, logging
from baselines.a2c import A2C  # beside this program; a loop of your own needs it for --rule a2c only

import groove

_RULE = flags.DEFINE_string("rule", "groove", "Update rule: a released rule, a run directory, a rule file, or a2c.")
_ENV = flags.DEFINE_string("env", "CartPole-v1", "Name of the environment in gymnax.")
_UPDATES = flags.DEFINE_integer("updates", 2500, "Length of the run, in agent updates.")
_WORKERS = flags.DEFINE_integer("workers", 64, "Environments that run side by side.")
_STEPS = flags.DEFINE_integer("steps", 20, "Environment steps of each environment in one rollout.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-3, "Learning rate of Adam.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of every random stream.")


class Carry(NamedTuple):
    """The state of the loop between two updates."""

    learner: groove.AgentState
    env_state: Any
    obs: jax.Array
    episode_return: jax.Array


def make_network(actions: int, rule: groove.Rule | A2C) -> hk.Transformed:
    """Build a network of two hidden layers with the heads that the rule needs."""

    def forward(obs: jax.Array) -> tuple[jax.Array, ...]:
        x = hk.nets.MLP([64, 64], activate_final=True)(obs.reshape((obs.shape[0], -1)).astype(jnp.float32))
        return groove.haiku_heads(x, actions, rule)

    return hk.without_apply_rng(hk.transform(forward))


def main(argv: list[str]) -> None:
    """Train one agent, and print its returns."""
    del argv
    logging.set_verbosity(logging.ERROR)
    env, env_params = gymnax.make(_ENV.value)
    rule = A2C() if _RULE.value == "a2c" else groove.load(_RULE.value)
    network = make_network(env.num_actions, rule)
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(_LEARNING_RATE.value))
    reset, step = (jax.vmap(f, axes) for f, axes in ((env.reset, (0, None)), (env.step, (0, 0, 0, None))))

    def act(carry: Carry, key: jax.Array) -> tuple[Carry, tuple[groove.Rollout, jax.Array]]:
        act_key, env_key = jax.random.split(key)
        action = jax.random.categorical(act_key, network.apply(carry.learner.params, carry.obs)[0])
        keys = jax.random.split(env_key, _WORKERS.value)
        obs, state, reward, terminated, truncated, info = step(keys, carry.env_state, action, env_params)
        total, done = carry.episode_return + reward, terminated | truncated
        transition = groove.Rollout(
            carry.obs, action, reward, terminated, truncated & ~terminated, info["final_observation"]
        )
        carry = carry._replace(env_state=state, obs=obs, episode_return=jnp.where(done, 0.0, total))
        return carry, (transition, jnp.where(done, total, jnp.nan))

    def update(carry: Carry, key: jax.Array) -> tuple[Carry, jax.Array]:
        act_key, update_key = jax.random.split(key)
        carry, (rollout, returns) = jax.lax.scan(act, carry, jax.random.split(act_key, _STEPS.value))
        learner, _ = rule.update(
            carry.learner, network.apply, optimizer, rollout, update_key, lifetime=float(_UPDATES.value)
        )
        return carry._replace(learner=learner), jnp.nanmean(returns)

    init_key, reset_key, key = jax.random.split(jax.random.key(_SEED.value), 3)
    obs, state = reset(jax.random.split(reset_key, _WORKERS.value), env_params)
    carry = Carry(rule.init(network.init(init_key, obs), optimizer), state, obs, jnp.zeros(_WORKERS.value))
    chunk = max(_UPDATES.value // 10, 1)
    train = jax.jit(functools.partial(jax.lax.scan, update))
    start = time.time()
    for done in range(0, _UPDATES.value, chunk):
        end = min(done + chunk, _UPDATES.value)
        keys = jax.random.split(jax.random.fold_in(key, done), end - done)
        carry, returns = train(carry, keys)
        steps = end * _WORKERS.value * _STEPS.value
        print(f"{steps:>10,} steps  return {jnp.nanmean(returns):8.2f}  {time.time() - start:5.0f} s", flush=True)


if __name__ == "__main__":
    app.run(main)
