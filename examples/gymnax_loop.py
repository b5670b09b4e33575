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

    params: Any
    opt_state: Any
    env_state: Any
    obs: jax.Array
    episode_return: jax.Array
    updates: jax.Array


def make_network(actions: int, width: int) -> hk.Transformed:
    """Build a network of two hidden layers with a policy and a prediction (for A2C a value, of width 1)."""

    def forward(obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = hk.nets.MLP([64, 64], activate_final=True)(obs.reshape((obs.shape[0], -1)).astype(jnp.float32))
        return hk.Linear(actions)(x), hk.Linear(width)(x)

    return hk.without_apply_rng(hk.transform(forward))


def a2c_loss(params: Any, apply: Any, rollout: groove.Rollout, **_: Any) -> jax.Array:
    """Return the loss that the learned rule replaces: advantages by GAE, a value loss, an entropy bonus."""
    from groove import ops

    def heads(obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, value = apply(params, obs.reshape((-1, *obs.shape[2:])))
        return logits.reshape((*obs.shape[:2], -1)), value.reshape(obs.shape[:2])

    (logits, value), (_, after) = heads(rollout.obs), heads(rollout.next_obs)
    advantage = ops.generalised_advantage(
        rollout.reward, value, after, rollout.terminated, rollout.truncated, discount=0.99, trace=0.95
    )
    advantage, target = jax.lax.stop_gradient((ops.normalise(advantage), value + advantage))
    policy = -ops.log_prob(logits, rollout.action) * advantage - 0.01 * ops.entropy(logits)
    return jnp.mean(policy + 0.5 * (value - target) ** 2)


def main(argv: list[str]) -> None:
    """Train one agent, and print its returns."""
    del argv
    logging.set_verbosity(logging.ERROR)
    env, env_params = gymnax.make(_ENV.value)
    learned = None if _RULE.value == "a2c" else groove.load(_RULE.value)
    loss = a2c_loss if learned is None else learned.loss
    network = make_network(env.num_actions, 1 if learned is None else learned.prediction_width)
    optimizer = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(_LEARNING_RATE.value))
    reset, step = (jax.vmap(f, axes) for f, axes in ((env.reset, (0, None)), (env.step, (0, 0, 0, None))))

    def act(carry: Carry, key: jax.Array) -> tuple[Carry, tuple[groove.Rollout, jax.Array]]:
        act_key, env_key = jax.random.split(key)
        action = jax.random.categorical(act_key, network.apply(carry.params, carry.obs)[0])
        keys = jax.random.split(env_key, _WORKERS.value)
        obs, state, reward, terminated, truncated, info = step(keys, carry.env_state, action, env_params)
        total, done = carry.episode_return + reward, terminated | truncated
        transition = groove.Rollout(
            carry.obs, action, reward, terminated, truncated & ~terminated, info["final_observation"]
        )
        carry = carry._replace(env_state=state, obs=obs, episode_return=jnp.where(done, 0.0, total))
        return carry, (transition, jnp.where(done, total, jnp.nan))

    def update(carry: Carry, key: jax.Array) -> tuple[Carry, jax.Array]:
        carry, (rollout, returns) = jax.lax.scan(act, carry, jax.random.split(key, _STEPS.value))
        told = {"progress": carry.updates / _UPDATES.value, "lifetime": float(_UPDATES.value)}
        # the next line is the only one that depends on the rule
        gradient = jax.grad(loss)(carry.params, network.apply, rollout, **told)
        updates, opt_state = optimizer.update(gradient, carry.opt_state)
        params = optax.apply_updates(carry.params, updates)
        return carry._replace(params=params, opt_state=opt_state, updates=carry.updates + 1), jnp.nanmean(returns)

    init_key, reset_key, key = jax.random.split(jax.random.key(_SEED.value), 3)
    obs, state = reset(jax.random.split(reset_key, _WORKERS.value), env_params)
    params = network.init(init_key, obs)
    carry = Carry(params, optimizer.init(params), state, obs, jnp.zeros(_WORKERS.value), jnp.int32(0))
    chunk = max(_UPDATES.value // 10, 1)
    train = jax.jit(functools.partial(jax.lax.scan, update))
    start = time.time()
    for done in range(0, _UPDATES.value, chunk):
        keys = jax.random.split(jax.random.fold_in(key, done), chunk)
        carry, returns = train(carry, keys)
        steps = (done + chunk) * _WORKERS.value * _STEPS.value
        print(f"{steps:>10,} steps  return {jnp.nanmean(returns):8.2f}  {time.time() - start:5.0f} s", flush=True)


if __name__ == "__main__":
    app.run(main)
