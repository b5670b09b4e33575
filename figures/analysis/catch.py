"""The returns of a rule's agents on bsuite's Catch through time, with the rollouts of the notebook of Disco103.

python figures/analysis/catch.py --rule "disco103=disco_103.npz[learning_rate=0.01]"
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

import jax
import jax.numpy as jnp

from groove.agents.agent import AgentConfig, make_agent
from groove.cli._main import FlagSet, Program, run_program
from groove.dropin.find import NamedRule, find_rule
from groove.envs.external.gymnax import make_gymnax
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.utils.errors import ConfigError

WORKERS, STEPS = 2, 29  # of a rollout
EPISODES = 128  # of an evaluation
AGENT = AgentConfig(torso="mlp", widths=(64, 64), optimizer="adam", learning_rate=5e-4)  # if the rule brings no other
_CHUNK = 47  # agent updates between evaluations
_EVALUATION = 9  # seed of the episodes of every evaluation

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", None, 'A rule, as in "disco103=PATH[learning_rate=0.01]".')
_SEED = _FLAGS.integer("seed", 0, "Seed of the agent.", least=0)
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


def main() -> None:
    """Print the learning curve as a Markdown table."""
    if _RULE.value is None:
        raise ConfigError('--rule is missing: name a rule, as in --rule "disco103=PATH[learning_rate=0.01]".')
    rule = find_rule(_RULE.value)
    print("| environment steps | return in training | return of 128 episodes |\n|---|---|---|")
    for point in learning_curve(rule, _SEED.value, _ENV_STEPS.value):
        print(f"| {point.env_steps:,} | {point.training:.3f} | {point.evaluation:.3f} |", flush=True)


PROGRAM = Program(
    "Print the returns of an agent on bsuite's Catch through time, with the rollouts of the notebook of Disco103.",
    '--rule "disco103=PATH[learning_rate=0.01]"',
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
