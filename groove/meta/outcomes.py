"""Outcomes of finished lifetimes: evaluation episodes, optimal returns, and what the curriculum needs to know."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.agents.agent import Agent, policy_form
from groove.envs.base import EnvFamily
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import evaluate_policy
from groove.meta.slots import Levels, Lives, Setup
from groove.types import Array, Key, LevelMemory, LevelOutcome, PyTree, Stream

_STUDENT_FIELDS = {"student_return", "student_variance", "student_largest", "student_best"}
CRITIC_FIELDS = frozenset({"positive_value_loss", "l1_value_loss", "value"})  # statistics of the meta-critic


class _Player(NamedTuple):
    agent: Agent
    policy: PyTree  # [N]
    key: Key  # [N]


def level_outcome(
    setup: Setup, levels: Levels, lives: Lives, finished: Array, memory: LevelMemory, needs: frozenset[str]
) -> LevelOutcome:
    """Compute the fields of the outcome that the curriculum needs, for the finished slots only.

    Args:
      setup: the static parts.
      levels: [N].
      lives: [N].
      finished: bool[N].
      memory: [N], of the slots' levels; an optimal return that it holds is not computed again.
      needs: fields of LevelOutcome; the other fields are NaN.
    """
    fields: dict[str, Array] = {}
    if "optimal_return" in needs or ("antagonist_return" in needs and setup.optimal_antagonist):
        fields["optimal_return"] = _optimal_returns(setup.env, levels.level, finished, memory.optimal_return)
    fields |= _play(setup, levels, lives, finished, needs)
    if "antagonist_return" in needs and setup.optimal_antagonist:
        nothing = jnp.full(finished.shape, -jnp.inf)
        for name in ("antagonist_return", "antagonist_best"):
            fields[name] = jnp.maximum(fields.get(name, nothing), fields["optimal_return"])
    fields["best_return"] = jnp.maximum(memory.best_return, lives.student.best_return)
    fields |= {name: getattr(lives.critic, name) for name in CRITIC_FIELDS}
    kept_names = needs | ({"optimal_return"} if setup.optimal_antagonist else set())  # for the level's memory
    kept = {name: jnp.where(finished, value, jnp.nan) for name, value in fields.items() if name in kept_names}
    return dataclasses.replace(LevelOutcome.unknown(finished), **kept)


def outcome_metrics(outcome: LevelOutcome) -> dict[str, Array]:
    """Return sums over the finished slots, so that the averages of a chunk weigh lifetimes alike."""
    regret = outcome.antagonist_return - outcome.student_return
    return {
        "finished": outcome.finished.sum(),
        "finished_student_return_sum": jnp.nansum(outcome.student_return),
        "finished_antagonist_return_sum": jnp.nansum(outcome.antagonist_return),
        "regret_sum": jnp.nansum(regret),
        "regret_known": jnp.sum(~jnp.isnan(regret)),
    }


def _play(setup: Setup, levels: Levels, lives: Lives, finished: Array, needs: frozenset[str]) -> dict[str, Array]:
    """Play evaluation episodes of the finished slots' players, chunk by chunk, until all finished slots are done."""
    players = _players(setup, lives, needs)
    if not players:
        return {}
    count = finished.shape[0]
    chunk = min(setup.chunk, count)
    order = jnp.argsort(~finished, stable=True)
    forms = [policy_form(player.agent) for player in players]
    alike = [np.flatnonzero([form == each for each in forms]) for form in dict.fromkeys(forms)]

    def evaluate(i: Array, returns: Array) -> Array:
        slots = jax.lax.dynamic_slice_in_dim(order, i * chunk, chunk)
        for members in alike:  # played side by side
            agent = players[members[0]].agent
            chosen = [(players[member].policy, players[member].key, levels.level) for member in members]
            selected = [jax.tree.map(lambda x: x[slots], each) for each in chosen]
            policies, keys, own_levels = jax.tree.map(lambda *x: jnp.concatenate(x), *selected)
            play = jax.vmap(lambda p, k, lv, by=agent: evaluate_policy(setup.env, by, p, lv, k, setup.episodes))
            values = play(policies, keys, own_levels).reshape((len(members), chunk, setup.episodes))
            returns = returns.at[members[:, None], slots].set(values)
        return returns

    returns = jnp.full((len(players), count, setup.episodes), jnp.nan)
    returns = jax.lax.fori_loop(0, -(-finished.sum() // chunk), evaluate, returns)
    fields = {}
    if needs & _STUDENT_FIELDS:
        student, returns = returns[0], returns[1:]
        fields = {
            "student_return": student.mean(1),
            "student_variance": student.var(1),
            "student_largest": jnp.abs(student).max(1),
            "student_best": student.max(1),
        }
    if returns.shape[0]:
        fields |= {"antagonist_return": returns.mean(2).max(0), "antagonist_best": returns.max((0, 2))}
    return fields


def _players(setup: Setup, lives: Lives, needs: frozenset[str]) -> list[_Player]:
    """Return those whose returns are needed: the student, then antagonists."""
    players = [(setup.student, lives.student)] if needs & _STUDENT_FIELDS else []
    if "antagonist_return" in needs:
        if not setup.antagonists and not setup.optimal_antagonist:
            raise ValueError("the curriculum needs antagonist_return: give the setup an antagonist.")
        players += [(each.agent, life) for each, life in zip(setup.antagonists, lives.antagonists, strict=True)]
    return [
        _Player(agent, agent.policy(life.learner.params), lifetime.step_keys(life, Stream.EVALUATE))
        for agent, life in players
    ]


def _optimal_returns(env: EnvFamily, level: PyTree, finished: Array, known: Array) -> Array:
    """Return the optimal returns of the finished slots' levels, f32[N]; solve only unknown ones, one after another."""
    assert env.optimal_return is not None
    solve: Callable[[PyTree], Array] = env.optimal_return
    wanted = finished & jnp.isnan(known)
    order = jnp.argsort(~wanted, stable=True)

    def solve_next(i: Array, values: Array) -> Array:
        one_level = jax.tree.map(lambda x: x[order[i]], level)
        return values.at[order[i]].set(solve(one_level))

    return jax.lax.fori_loop(0, wanted.sum(), solve_next, known)
