"""Antagonists: agents that hand-written rules train in lockstep with the students, to measure regret."""

import dataclasses
import functools

from groove.lifetimes import lifetime
from groove.lifetimes.rollout import EpisodeStats
from groove.meta.slots import Lives, Setup
from groove.types import Array, PyTree


def advance_antagonists(
    setup: Setup, lives: Lives, level: PyTree, updates: int | Array
) -> tuple[Lives, EpisodeStats | None]:
    """Give every antagonist `updates` updates from its own experience; None instead of episodes without antagonists."""
    if not setup.antagonists:
        return lives, None
    advanced = [
        lifetime.live(setup.env, each.agent, each.rule, (), life, level, setup.steps, updates)
        for each, life in zip(setup.antagonists, lives.antagonists, strict=True)
    ]
    episodes = functools.reduce(EpisodeStats.and_then, [stats for _, stats in advanced])
    return dataclasses.replace(lives, antagonists=tuple(life for life, _ in advanced)), episodes
