"""One call of the rule: what it remembers of a lifetime, and what it makes of a batch; see groove.lpg.disco.step."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from groove.torch.disco import network
from groove.torch.disco.experience import Outputs, Trajectories
from groove.torch.disco.moments import Moments
from groove.torch.disco.network import DiscoNetwork, Memory, Targets
from groove.torch.disco.values import Values, estimate, normalised

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


@torch.no_grad()
def judge(
    rule: DiscoNetwork, course: Course, seen: Trajectories, agent: Outputs, target: Outputs, real: Tensor
) -> tuple[Verdict, Course]:
    """Return values and targets of B trajectories, and what the rule remembers after them; without gradients.

    The moments count these trajectories before they normalise them; the targets see the memory before this call.

    Args:
      rule: the rule's network.
      course: of the agent's lifetime.
      seen: the trajectories.
      agent: outputs of the agent's heads, with its present parameters.
      target: outputs of the target network's heads.
      real: bool[T, B], false for transitions that do not count.
    """
    values = estimate(seen, agent, target)
    advantage = course.advantage.grown(values.advantage, real)
    td_error = course.td_error.grown(values.td_error, real)
    given = network.read(seen, agent, target, values, normalised(values, advantage))
    inputs = rule.embedders(given)
    targets = rule.targets(inputs, rule.unroll(inputs, seen.ended), course.memory)
    memory = rule.lifetime(given, targets, course.memory, real)
    return Verdict(values, targets), Course(advantage, td_error, memory)


@torch.no_grad()
def follow(target: Mapping[str, Tensor], params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the target network one step later: 0.9 theta' + 0.1 theta, with the parameters before the step."""
    return {name: _KEPT * slow + (1 - _KEPT) * params[name] for name, slow in target.items()}
