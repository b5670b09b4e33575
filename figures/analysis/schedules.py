"""What agents go through in lives of different lengths under a rule: python figures/analysis/schedules.py --to FILE.

Trains agents that are networks on random gridworlds, once for each lifetime, and writes by tenths of their lives how
random their policies are (entropy, nats), how far one update moves them (KL divergence, nats), and what complete
episodes come to at the end of the tenth (mean undiscounted return), as JSON.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from absl import app, flags, logging

from groove.agents.agent import Agent, make_agent
from groove.dropin.find import NamedRule, find_rule
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.training.config import NETWORK_AGENT
from groove.types import Array, Params, PyTree, Stream
from groove.utils import parallel

_RULE = flags.DEFINE_string("rule", "ta-lpg", "A rule as launch/meta_test.py takes it.")
_LEVELS = flags.DEFINE_integer("levels", 64, "Random gridworlds, an agent each.")
_LIFETIMES = flags.DEFINE_list("lifetimes", ["50", "250", "1000"], "Updates of an agent.")
_TO = flags.DEFINE_string("to", None, "The file that is written.", required=True)

PARTS = 10  # of a life
WORKERS, STEPS, EPISODES = 16, 20, 16
QUANTITIES = ("entropy", "change", "return")


def measure(rule: NamedRule, count: int, lifetimes: Sequence[int]) -> dict[str, dict[str, list[float]]]:
    """Lifetime -> each of QUANTITIES in each tenth of it, means over levels."""
    env = make_gridworld(observation="features")
    agent = make_agent(env.observation, rule.rule.heads(env.num_actions), NETWORK_AGENT)
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(0x5C4ED), count))
    keys = jax.random.split(jax.random.key(2), count)

    @jax.jit
    def begin(length: Array) -> Lifetime:
        return jax.vmap(lambda level, key: lifetime.begin(env, agent, level, length, key, WORKERS))(levels, keys)

    @jax.jit
    def go_on(lives: Lifetime, updates: Array) -> tuple[Lifetime, Array]:
        return _live(env, agent, rule, lives, levels, updates)

    found = {}
    for length in lifetimes:
        ends = [length * i // PARTS for i in range(PARTS + 1)]
        lives, rows = begin(jnp.int32(length)), []
        for start, end in pairwise(ends):
            lives, quantities = go_on(lives, jnp.int32(end - start))
            rows.append(quantities.tolist())
        found[str(length)] = {name: list(row) for name, row in zip(QUANTITIES, zip(*rows, strict=True), strict=True)}
    return found


def _live(
    env: EnvFamily, agent: Agent, rule: NamedRule, lives: Lifetime, levels: PyTree, updates: Array
) -> tuple[Lifetime, Array]:
    """So many updates of each life, and the QUANTITIES: f32 [3]."""

    def log_policy(params: Params, obs: Array) -> Array:
        read = jax.vmap(lambda p, o: agent.read(p, o, ("logits",))[1]["logits"])
        return jax.nn.log_softmax(read(params, obs))

    def body(_: Array, carry: tuple[Lifetime, Array]) -> tuple[Lifetime, Array]:
        before, total = carry
        after, rollout, *_rest = lifetime.advance(env, agent, rule.rule, rule.eta, before, levels, STEPS)
        old = log_policy(before.learner.params, rollout.obs)
        new = log_policy(after.learner.params, rollout.obs)
        entropy = -(jnp.exp(old) * old).sum(-1).mean()
        change = (jnp.exp(old) * (old - new)).sum(-1).mean()
        return after, total + jnp.stack([entropy, change])

    lives, total = jax.lax.fori_loop(0, updates, body, (lives, jnp.zeros(2)))
    policies = jax.vmap(agent.policy)(lives.learner.params)
    judge = jax.vmap(lambda policy, level, key: evaluate_policy(env, agent, policy, level, key, EPISODES).mean())
    returns = judge(policies, levels, lifetime.step_keys(lives, Stream.EVALUATE))
    return lives, jnp.append(total / updates, returns.mean())


def main(argv: list[str]) -> None:
    """Measures and writes."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(1)
    lifetimes = [int(text) for text in _LIFETIMES.value]
    if min(lifetimes) < PARTS:
        raise app.UsageError(f"--lifetimes are of {PARTS} updates at least, since they are looked at in as many parts.")
    found: dict[str, Any] = measure(find_rule(_RULE.value), _LEVELS.value, lifetimes)
    path = Path(_TO.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    app.run(main)
