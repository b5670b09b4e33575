"""The interface of an update rule, learned or hand-written."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from groove.agents.agent import Agent, AgentConfig, AnyAgentConfig, begin_learner
from groove.types import Array, Heads, Key, Learner, Metrics, Params, PyTree, Rollout


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class UpdateInfo:
    """Facts about one update of N agents."""

    metrics: Metrics = dataclasses.field(default_factory=dict)  # name -> f32 [N], for logs
    regularizers: Mapping[str, Array] = dataclasses.field(default_factory=dict)  # name -> f32 [N], differentiable


class Regularizer(NamedTuple):
    """A term that a learned rule adds to the meta-loss.

    The meta-loss of a slot contains `weight` times the mean over the K updates of `UpdateInfo.regularizers[name]`, or,
    if `of_heads` is given, `weight` times `of_heads` of the agent after the K updates.

    Attributes:
      name: as logged.
      weight: positive for a cost, negative for a bonus.
      of_heads: {head: f32[N, T, W, width]} -> f32[N].
    """

    name: str
    weight: float
    of_heads: Callable[[Heads], Array] | None = None


# (eta, agent, learner [N], rollout [N, T, W], keys [N]) -> (learner [N], UpdateInfo [N])
Update = Callable[[Any, Agent, Learner, Rollout, Key], tuple[Learner, UpdateInfo]]


def same_agent(config: AgentConfig) -> AnyAgentConfig:
    """Return the agent configuration unchanged."""
    return config


class UpdateRule(NamedTuple):
    """Pure functions that say how agents learn from rollouts.

    A rule acts on a batch of N agents, so that a learned rule runs its network once over all rows of all agents.

    Attributes:
      name: as in the registry.
      heads: num_actions -> {head: width}, the heads that agents must have; LOGITS is the policy.
      init: key -> eta, the parameters of the rule; () for hand-written rules.
      update: one update of N agents from one rollout each.
      regularizers: terms that the rule adds to the meta-loss; read by the truncated meta-gradient only.
      adapt_agent: the agent configuration that the rule trains, from the usual one. PPO, which takes several steps on a
        rollout, lowers the learning rate of tables.
      state: the memory of the rule at the beginning of an agent's lifetime, a hashable pytree of numbers that `update`
        finds in `Learner.rule_state`; () if the rule has none.
      settles_after: number of updates after which the rule changes no policy any more; None if there is no such number.
      begin: (agent, parameters of the agent, rollout [T, W] of zeros) -> the memory at the beginning of a lifetime, in
        the place of `state`, for rules whose memory depends on the agent or on the size of rollouts: a target network,
        or a replay of trajectories (`groove.lpg.replay`).
    """

    name: str
    heads: Callable[[int], dict[str, int]]
    init: Callable[[Key], Any]
    update: Update
    regularizers: tuple[Regularizer, ...] = ()
    adapt_agent: Callable[[AgentConfig], AnyAgentConfig] = same_agent
    state: PyTree = ()
    settles_after: int | None = None
    begin: Callable[[Agent, Params, Rollout], PyTree] | None = None


def begin_under(rule: UpdateRule, agent: Agent, key: Key, lifetime: Array, blank: Rollout) -> Learner:
    """Return an agent at the beginning of its lifetime under a rule.

    Args:
      rule: which decides what it remembers of the lifetime.
      agent: the agent's functions.
      key: the randomness of the initial parameters.
      lifetime: int32 [], agent updates.
      blank: a rollout [T, W] of zeros, of the shapes and types of those to come.
    """
    learner = begin_learner(agent, key, lifetime, rule.state)
    if rule.begin is None:
        return learner
    return dataclasses.replace(learner, rule_state=rule.begin(agent, learner.params, blank))
