"""The memory of a rule in PyTorch: the running scale of rewards, and what controls depend on."""

from typing import TypeAlias

import torch
from torch import Tensor

from groove.torch.controls import ControlState
from groove.torch.functions import discounted_sum
from groove.torch.inputs import Experience

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


def peak_of(state: State) -> Tensor:
    """Return the scale of rewards of a memory that has one."""
    assert state is not None
    return state.peak if isinstance(state, ControlState) else state
