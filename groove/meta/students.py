"""Students: agents that the learned rule trains, and the critics beside them."""

import dataclasses
from typing import Any

import jax

from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.lpg.base import UpdateInfo
from groove.meta.critic import Critic, critic_update
from groove.meta.slots import Lives, Setup
from groove.types import Array, PyTree, Rollout


def advance_students(
    setup: Setup, eta: Any, lives: Lives, level: PyTree, with_critic: bool = True
) -> tuple[Lives, Rollout, EpisodeStats, UpdateInfo]:
    """Give every student one rollout and one update under the learned rule, and its critic one update.

    Args:
      setup: the static parts.
      eta: the parameters of the rule.
      lives: [N].
      level: [N].
      with_critic: whether critics learn, too.

    Returns:
      The lives, the Rollout [N, T, W], the complete episodes [N], and facts about the updates [N].
    """
    student, experience, episodes, info = lifetime.advance(
        setup.env, setup.student, setup.rule, eta, lives.student, level, setup.steps
    )
    critic = advance_critics(setup, lives.critic, experience)[0] if with_critic else lives.critic
    return dataclasses.replace(lives, student=student, critic=critic), experience, episodes, info


def advance_critics(setup: Setup, critics: Critic, experience: Rollout) -> tuple[Critic, Array, Array]:
    """Update N critics: (critics, advantages f32[N, T, W] before the update, squared errors f32[N])."""
    return jax.vmap(lambda critic, rollout: critic_update(setup.critic, critic, rollout))(critics, experience)
