"""The uniformly random policy as an update rule: the lower reference of every comparison."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.lpg.base import UpdateInfo, UpdateRule
from groove.types import LOGITS, Key, Learner, Rollout


@dataclass(frozen=True)
class RandomConfig:
    """The uniformly random policy has no settings."""


def make_random() -> UpdateRule:
    """Build the rule: pi(a|s) = 1 / A from the first update on, since zero parameters give zero logits.

    Until the first update a network acts with its initial logits. A table is uniform from the start.
    """

    def update(eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key) -> tuple[Learner, UpdateInfo]:
        del eta, agent, rollout, keys
        params = jax.tree.map(jnp.zeros_like, learner.params)
        return learner.after_update(params, learner.opt_state), UpdateInfo()

    return UpdateRule(
        name="random",
        heads=lambda num_actions: {LOGITS: num_actions},
        init=lambda key: (),
        update=update,
        settles_after=1,
    )
