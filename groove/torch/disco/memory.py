"""The rule's memory between two steps: a target network, and the course of the agent's lifetime."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from groove.lpg.disco.weights import LIFETIME_HIDDEN
from groove.torch.disco.moments import Moments, begin_moments
from groove.torch.disco.network import Memory
from groove.torch.disco.step import Course
from groove.utils.errors import GrooveError


class DiscoState(NamedTuple):
    """The rule's memory of an agent's lifetime, between two steps."""

    target: dict[str, Tensor]  # parameters of the target network by their names in the agent's module
    course: Course


torch.serialization.add_safe_globals([DiscoState, Course, Moments, Memory])  # torch.load reads saved states


def begin_state(module: nn.Module) -> DiscoState:
    """Return the state of the rule at the beginning of a lifetime: the target network is the agent's."""
    target = {name: x.detach().clone() for name, x in module.named_parameters()}
    device = next(iter(target.values())).device if target else torch.device("cpu")
    moments, zero = begin_moments(device), torch.zeros(LIFETIME_HIDDEN, device=device)
    return DiscoState(target, Course(moments, moments, Memory(zero, zero)))


def checked_state(rule: str, state: Any, module: nn.Module, device: torch.device) -> DiscoState:
    """Return the state of an agent with its course on a device, in float32.

    Args:
      rule: name of the rule, for messages.
      state: that the caller gives.
      module: the agent.
      device: of the trajectories.

    Raises:
      GrooveError: if the state is missing, none of this rule, or that of an agent with other parameters.
    """
    remedy = "begin with state = rule.init_state(agent), and give every update the state of the update before."
    course = state.course if isinstance(state, DiscoState) else None
    usual = begin_state(nn.Module()).course
    if not isinstance(course, Course) or _shapes(_flat(course)) != _shapes(_flat(usual)):
        raise GrooveError(f'the agent has no memory of the rule "{rule}": {remedy}')
    if _shapes(state.target) != _shapes(dict(module.named_parameters())):
        raise GrooveError(f"the state holds the target network of an agent with other parameters: {remedy}")
    moved = [tuple(x.to(device, torch.float32) for x in part) for part in course]
    return DiscoState(state.target, Course(Moments(*moved[0]), Moments(*moved[1]), Memory(*moved[2])))


def _flat(course: Course) -> dict[str, Any]:
    return {f"{part} {i}": x for part, fields in course._asdict().items() for i, x in enumerate(fields)}


def _shapes(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(x.shape) if isinstance(x, Tensor) else None for name, x in tensors.items()}
