"""The interface of an update rule, learned or hand-written."""

from collections.abc import Callable
from typing import Any, NamedTuple

from groove.agents.agent import Agent
from groove.types import Array, Key, Learner, Rollout

# (eta, agent, learner [N], rollout [N, T, W], keys [N]) -> (learner [N], {name: f32[N]})
Update = Callable[[Any, Agent, Learner, Rollout, Key], tuple[Learner, dict[str, Array]]]


class UpdateRule(NamedTuple):
    """How agents learn from rollouts.

    Rules act on a batch of N agents, so that a learned rule runs its network once over all their rows.

    Attributes:
      name: as in the registry.
      heads: num_actions -> {head: width}, what an agent must have; "logits" is the policy.
      init: key -> eta, the rule's own parameters; () for hand-written rules.
      update: one update of N agents from one rollout each, with scalars that describe it.
    """

    name: str
    heads: Callable[[int], dict[str, int]]
    init: Callable[[Key], Any]
    update: Update
