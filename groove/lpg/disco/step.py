"""One call of the rule: what it remembers of a lifetime, and what it makes of a batch of trajectories."""

from typing import NamedTuple

import jax

from groove.lpg.disco import network
from groove.lpg.disco.experience import Outputs, Trajectories
from groove.lpg.disco.moments import Moments
from groove.lpg.disco.network import Memory, Targets
from groove.lpg.disco.values import Values, estimate, normalised
from groove.lpg.disco.weights import DiscoWeights
from groove.types import Array, Params

_KEPT = 0.9  # share of the target network that a step keeps


class Course(NamedTuple):
    """The rule's memory of an agent's lifetime, besides the target network."""

    advantage: Moments
    td_error: Moments  # for logs only
    memory: Memory


class Verdict(NamedTuple):
    """The rule's judgement of a batch of trajectories."""

    values: Values
    targets: Targets


def judge(
    weights: DiscoWeights,
    course: Course,
    seen: Trajectories,
    agent: Outputs,
    target: Outputs,
    mask: Array | None = None,
) -> tuple[Verdict, Course]:
    """Return values and targets of B trajectories, and what the rule remembers after them.

    The moments count these trajectories before they normalise them; the targets see the memory before this call.

    Args:
      weights: of the rule.
      course: of the agent's lifetime.
      seen: the trajectories.
      agent: outputs of the agent's heads, with its present parameters.
      target: outputs of the target network's heads.
      mask: [T, B], 0 for transitions that do not count; None if all count.
    """
    values = estimate(seen, agent, target)
    advantage = course.advantage.grown(values.advantage, mask)
    td_error = course.td_error.grown(values.td_error, mask)
    given = network.read(seen, agent, target, values, normalised(values, advantage))
    inputs = network.make_inputs(weights.embedders, given)
    hidden = network.unroll(weights, inputs, seen.ended)
    targets = network.make_targets(weights, inputs, hidden, course.memory)
    memory = network.remember(weights.lifetime, given, targets, course.memory, mask)
    return Verdict(values, targets), Course(advantage, td_error, memory)


def follow(target: Params, params: Params) -> Params:
    """Return the target network one step later: 0.9 theta' + 0.1 theta, with the parameters before the step."""
    return jax.tree.map(lambda slow, fast: _KEPT * slow + (1 - _KEPT) * fast, target, params)
