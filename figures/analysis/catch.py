"""The returns of a rule's agents on bsuite's Catch through time, with the rollouts of the notebook of Disco103.

python figures/analysis/catch.py --rule "disco103=disco_103.npz[learning_rate=0.01]"
python figures/analysis/catch.py --rule "groove[minibatches=2],a2c" --seeds 3

A rollout has 58 transitions, which rules with four minibatches cannot divide.
"""

import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

import jax
import jax.numpy as jnp

from groove.agents.agent import AgentConfig, make_agent
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import NamedRule, find_rules
from groove.envs.external.gymnax import make_gymnax
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.utils.errors import ConfigError

WORKERS, STEPS = 2, 29  # of a rollout
EPISODES = 128  # of an evaluation
LEARNED = 0.95  # return that counts as learned
AGENT = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=5e-4)  # if the rule brings no other
_CHUNK = 47  # agent updates between evaluations
_EVALUATION = 9  # seed of the episodes of every evaluation

_FLAGS = FlagSet()
_RULE = _FLAGS.names(
    "rule", [], 'Rules, separated by commas, as in "disco103=PATH[learning_rate=0.01],a2c". Several have a row each.'
)
_SEED = _FLAGS.integer("seed", 0, "Seed of the first agent.", least=0)
_SEEDS = _FLAGS.integer("seeds", 1, "Agents of each rule, one seed each.", least=1, most=1000)
_ENV_STEPS = _FLAGS.integer("env_steps", 60_000, "Environment steps of the agent's life, at most.", least=1)


class Point(NamedTuple):
    """One point of a learning curve."""

    env_steps: int
    training: float  # mean return of the episodes since the last point
    evaluation: float  # mean return of `EPISODES` episodes of the present stochastic policy


def learning_curve(named: NamedRule, seed: int, env_steps: int) -> Iterator[Point]:
    """Train one agent on Catch, and yield its returns every few thousand environment steps.

    Args:
      named: the rule.
      seed: of the agent.
      env_steps: environment steps of the agent's life, at most.
    """
    env, rule = make_gymnax("Catch-bsuite"), named.rule
    agent = make_agent(env.observation, rule.heads(env.num_actions), rule.adapt_agent(AGENT))
    updates = env_steps // (WORKERS * STEPS)
    level = jax.tree.map(lambda x: x[None], env.sample_level(jax.random.key(0)))

    @jax.jit
    def born(key: jax.Array) -> lifetime.Lifetime:
        one = jax.tree.map(lambda x: x[0], level)
        life = lifetime.begin(env, agent, rule, one, jnp.int32(updates), key, WORKERS, STEPS)
        return jax.tree.map(lambda x: x[None], life)

    live = jax.jit(
        lambda lives, n: lifetime.live(env, agent, rule, named.eta, lives, level, STEPS, n), donate_argnums=0
    )

    @jax.jit
    def evaluate(lives: lifetime.Lifetime, key: jax.Array) -> jax.Array:
        policy, one = jax.tree.map(lambda x: x[0], (agent.policy(lives.learner.params), level))
        return evaluate_policy(env, agent, policy, one, key, EPISODES).mean()

    lives = born(jax.random.split(jax.random.key(seed), 1)[0])
    done = 0
    while done < updates:
        count = min(_CHUNK, updates - done)
        lives, episodes = live(lives, count)
        done += count
        training = float(episodes.return_sum[0] / episodes.episodes[0])
        value = float(evaluate(lives, jax.random.key(_EVALUATION)))
        yield Point(done * WORKERS * STEPS, training, value)


def steps_until_learned(curve: Sequence[Point]) -> float:
    """Return the environment steps after which an agent first reaches `LEARNED`; infinity if it never does."""
    return next((float(point.env_steps) for point in curve if point.evaluation >= LEARNED), math.inf)


def row(name: str, curves: Sequence[Sequence[Point]], seconds: float) -> str:
    """Return the row of a rule: how many agents learn, when, the last returns, and the time.

    Args:
      name: the rule.
      curves: of its agents.
      seconds: wall-clock time for 1,000 environment steps of an agent.
    """
    learned = [steps_until_learned(curve) for curve in curves]
    middle = statistics.median(learned)
    when = f"{middle:,.0f}" if math.isfinite(middle) else "–"
    last = [curve[-1].evaluation for curve in curves]
    how_many = sum(map(math.isfinite, learned))
    returns = f"{statistics.mean(last):.2f} [{min(last):.2f}, {max(last):.2f}]"
    return f"| {name} | {how_many} of {len(curves)} | {when} | {returns} | {seconds:.2f} |"


def _timed(named: NamedRule, seed: int) -> tuple[list[Point], float]:
    """Return a learning curve, and the seconds of 1,000 environment steps after the first point, which compiles."""
    curve, moments = [], []
    for point in learning_curve(named, seed, _ENV_STEPS.value):
        curve.append(point)
        moments.append(time.perf_counter())
    steps = curve[-1].env_steps - curve[0].env_steps
    return curve, (moments[-1] - moments[0]) / steps * 1000 if steps else math.nan


def main() -> None:
    """Print the learning curve of one agent, or a row for each of several rules, as a Markdown table."""
    if not _RULE.value:
        raise ConfigError('--rule is missing: name a rule, as in --rule "disco103=PATH[learning_rate=0.01]".')
    rules = find_rules(_RULE.value)
    if len(rules) == _SEEDS.value == 1:
        print("| environment steps | return in training | return of 128 episodes |\n|---|---|---|")
        for point in learning_curve(rules[0], _SEED.value, _ENV_STEPS.value):
            print(f"| {point.env_steps:,} | {point.training:.3f} | {point.evaluation:.3f} |", flush=True)
        return
    print(
        f"| rule | agents that reach {LEARNED} | after environment steps (median) | last return, mean [least, most] | "
        "seconds for 1,000 steps |\n|---|---|---|---|---|"
    )
    for rule in rules:
        lives = [_timed(rule, _SEED.value + i) for i in range(_SEEDS.value)]
        seconds = statistics.median(each for _, each in lives)
        print(row(rule.name, [curve for curve, _ in lives], seconds), flush=True)


PROGRAM = Program(
    "Print the returns of agents on bsuite's Catch through time, with the rollouts of the notebook of Disco103.",
    '--rule "disco103=PATH[learning_rate=0.01]"',
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
