"""Antagonists: agents that other rules train in lockstep with the students, to measure regret."""

import dataclasses
import functools

import jax

from groove import ops
from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.past_selves import Copies, parameters_of
from groove.meta.slots import Lives, Setup
from groove.types import LOGITS, Array, PyTree


def antagonist_entropy(setup: Setup, lives: Lives) -> Array:
    """Return the mean entropy of the first antagonist's policy where its workers are, in nats, f32[N]."""
    agent, life = setup.antagonists[0].agent, lives.antagonists[0]
    logits = jax.vmap(lambda params, obs: agent.read(params, obs, (LOGITS,))[1][LOGITS])
    return ops.entropy(logits(life.learner.params, life.workers.obs)).mean(1)


def advance_antagonists(
    setup: Setup, lives: Lives, level: PyTree, updates: int | Array, past: tuple[Copies, ...] = ()
) -> tuple[Lives, EpisodeStats | None]:
    """Give every antagonist `updates` updates from its own experience.

    Args:
      setup: the static parts of the slots.
      lives: [N].
      level: [N].
      updates: agent updates.
      past: the past selves of the learned rule, for antagonists that are one.

    Returns:
      The lives, and the episodes of all antagonists; None without antagonists.
    """
    if not setup.antagonists:
        return lives, None
    advanced = [
        lifetime.live(
            setup.env, each.agent, each.rule, parameters_of(each.eta, past), life, level, setup.steps, updates
        )
        for each, life in zip(setup.antagonists, lives.antagonists, strict=True)
    ]
    episodes = functools.reduce(EpisodeStats.and_then, [stats for _, stats in advanced])
    return dataclasses.replace(lives, antagonists=tuple(life for life, _ in advanced)), episodes
