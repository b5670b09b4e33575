"""The memory of a rule in PyTorch: the running scale of rewards, and what controls depend on."""

from typing import Any, TypeAlias

import torch
from torch import Tensor

from groove.torch.controls import ControlState
from groove.torch.functions import discounted_sum
from groove.torch.inputs import Experience
from groove.utils.errors import GrooveError

# the scale of rewards f32[], the memory of a rule that sets controls, or none
State: TypeAlias = Tensor | ControlState | None


def begin_memory(sets_controls: bool) -> Tensor | ControlState:
    """Return the memory of a rule at the beginning of an agent's lifetime."""
    zero = torch.zeros(())
    return ControlState(zero, zero, zero) if sets_controls else zero


def grown(state: Tensor | ControlState, lived: Experience, discount: float) -> Tensor | ControlState:
    """Return the memory after a rollout, as in groove.lpg.reward_scale."""
    decay = discount * (1 - (lived.terminated | lived.truncated).float())
    peak = torch.maximum(peak_of(state), discounted_sum(lived.reward, decay).abs().max()).detach()
    peak = torch.where(peak.isfinite(), peak, torch.nan)
    return state._replace(peak=peak) if isinstance(state, ControlState) else peak


def checked_state(rule: str, has_state: bool, sets_controls: bool, state: Any, like: Tensor) -> State:
    """Return the memory of a rule on the device of a tensor, in float32; None if the rule has none.

    Args:
      rule: name of the rule, for messages.
      has_state, sets_controls: of the rule.
      state: that the caller gives.
      like: the tensor.

    Raises:
      GrooveError: if the state is missing, not of this rule, or given to a rule without a memory.
    """
    if not has_state:
        if state is not None:
            raise GrooveError(f'the rule "{rule}" has no memory and would not read state: leave state out.')
        return None
    parts = state if isinstance(state, ControlState) else (state,)
    if isinstance(state, ControlState) != sets_controls or not all(isinstance(x, Tensor) and not x.ndim for x in parts):
        raise GrooveError(
            f'the rule "{rule}" remembers its agent\'s lifetime, which it needs as state: use rule.update, '
            "which returns the state, or begin with state = rule.init_state() and give every loss state=(state := "
            "rule.observe(state, reward, terminated, truncated, mask))."
        )
    if isinstance(state, ControlState):
        return ControlState(*(x.to(like.device, torch.float32) for x in state))
    moved: Tensor = state.to(like.device, torch.float32)
    return moved


def peak_of(state: State) -> Tensor:
    """Return the scale of rewards of a memory that has one."""
    assert state is not None
    return state.peak if isinstance(state, ControlState) else state
