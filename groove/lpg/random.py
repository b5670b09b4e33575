"""The uniformly random policy as an update rule: the floor that every other rule is measured from."""

from typing import Any

import jax
import jax.numpy as jnp

from groove.agents.agent import Agent
from groove.lpg.base import UpdateRule
from groove.types import Array, Key, Learner, Rollout


def make_random() -> UpdateRule:
    """Builds the rule: pi(a|s) = 1 / A from the first update on, for parameters of zero have logits of zero.

    A network acts with the logits it was born with until then; a table is born uniform.
    """

    def update(
        eta: Any, agent: Agent, learner: Learner, rollout: Rollout, keys: Key
    ) -> tuple[Learner, dict[str, Array]]:
        del eta, agent, rollout, keys
        params = jax.tree.map(jnp.zeros_like, learner.params)
        return Learner(params, learner.opt_state, learner.updates + 1, learner.lifetime), {}

    return UpdateRule(
        name="random",
        heads=lambda num_actions: {"logits": num_actions},
        init=lambda key: (),
        update=update,
    )
