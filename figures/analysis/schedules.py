"""The entropy, policy change and return of agents over lives of several lengths under one rule.

    python figures/analysis/schedules.py --rule ta-lpg --to FILE.json

Agents that are networks learn random gridworlds, once for each lifetime. The program writes three quantities for each
tenth of a life, as JSON: the policy's entropy (nats), the KL divergence of one update (nats), and the mean undiscounted
return of complete episodes at the end of the tenth.
"""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import folder
from groove.agents.agent import Agent, make_agent
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import NamedRule, find_rule
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lifetimes.lifetime import Lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.training.settings.config import NETWORK_AGENT
from groove.types import Array, Params, PyTree, Stream
from groove.utils import parallel
from groove.utils.errors import ConfigError
from groove.utils.io import write_atomically
from groove.utils.limits import MOST_LEVELS, MOST_LIFETIME, check_integer
from groove.utils.paths import user_path

PARTS = 10  # of a life
DIGITS = 100  # of a number; Python reads no more than a few thousand
WORKERS, STEPS, EPISODES = 16, 20, 16
QUANTITIES = ("entropy", "change", "return")

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", "ta-lpg", "The rule, as launch/meta_test.py takes it.")
_LEVELS = _FLAGS.integer("levels", 64, "Random gridworlds, one agent each.", least=1, most=MOST_LEVELS)
_LIFETIMES = _FLAGS.names("lifetimes", ["50", "250", "1000"], f"Lengths of lives, in agent updates, {PARTS} or more.")
_TO = _FLAGS.string("to", None, "The JSON file to write.", required=True)


def measure(rule: NamedRule, count: int, lifetimes: Sequence[int]) -> dict[str, dict[str, list[float]]]:
    """Return lifetime -> each of QUANTITIES -> its mean over levels in each tenth of a life.

    Args:
      rule: the rule.
      count: random gridworlds, one agent each.
      lifetimes: lengths of lives, in agent updates.
    """
    env = make_gridworld(observation="features")
    agent = make_agent(env.observation, rule.rule.heads(env.num_actions), NETWORK_AGENT)
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(0x5C4ED), count))
    keys = jax.random.split(jax.random.key(2), count)

    @jax.jit
    def begin(length: Array) -> Lifetime:
        def one(level: PyTree, key: Array) -> Lifetime:
            return lifetime.begin(env, agent, rule.rule, level, length, key, WORKERS, STEPS)

        return jax.vmap(one)(levels, keys)

    @jax.jit
    def go_on(lives: Lifetime, updates: Array) -> tuple[Lifetime, Array]:
        return _live(env, agent, rule, lives, levels, updates)

    measured = {}
    for length in lifetimes:
        ends = [length * i // PARTS for i in range(PARTS + 1)]
        lives, rows = begin(jnp.int32(length)), []
        for start, end in pairwise(ends):
            lives, quantities = go_on(lives, jnp.int32(end - start))
            rows.append(quantities.tolist())
        columns = zip(QUANTITIES, zip(*rows, strict=True), strict=True)
        measured[str(length)] = {name: list(values) for name, values in columns}
    return measured


def _live(
    env: EnvFamily, agent: Agent, rule: NamedRule, lives: Lifetime, levels: PyTree, updates: Array
) -> tuple[Lifetime, Array]:
    """Return the lives after `updates` more agent updates, and the means of QUANTITIES over these: f32[3]."""

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


def main() -> None:
    """Measure the rule and write the file."""
    parallel.request_devices(1)
    path = user_path(_TO.value, "--to")
    folder("to", str(path.parent))
    lifetimes = _LIFETIMES.value
    if not lifetimes or not all(word.isdecimal() and len(word) < DIGITS for word in lifetimes):
        raise ConfigError(f"--lifetimes = {','.join(lifetimes)}: give integers of {PARTS} or more, as in 50,250.")
    for word in lifetimes:
        check_integer("--lifetimes", int(word), MOST_LIFETIME, least=PARTS)
    measured = measure(find_rule(_RULE.value), _LEVELS.value, [int(word) for word in lifetimes])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(measured) + "\n").encode())


PROGRAM = Program(
    "Measure entropy, policy change and return over lives of several lengths under one rule.",
    "--rule ta-lpg --lifetimes 50,250 --to schedule.json",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
