"""Controls in PyTorch: numbers that a rule sets once per update of an agent; see groove.lpg.controls."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from groove.torch.functions import kl_divergence, mean, normalised_entropy, std

_RANGE = 3.0  # the largest absolute logarithm of a factor
_GAIN = 2.0
_USUAL_LIFETIME, _USUAL_CHANGE = 250.0, 0.01  # agent updates, nats
_INPUTS = 6


class Controls(NamedTuple):
    """Factors of the settings of the base, f32[] each."""

    step: Tensor  # of every step of the agent's optimizer
    entropy: Tensor  # of the weight of the policy's entropy in the agent's loss


class ControlState(NamedTuple):
    """The memory of a rule that sets controls, of one lifetime; f32[] each."""

    peak: Tensor  # the largest absolute discounted return within a rollout so far
    change: Tensor  # how far the last update moved the policy: log(KL / 0.01) / 4, between -1 and 1
    step: Tensor  # log of the last factor of steps, divided by its range


torch.serialization.add_safe_globals([ControlState])  # torch.load reads saved states


class ControlLayer(nn.Linear):
    """The linear map from facts about an agent to controls."""

    def __init__(self) -> None:
        """Declare the layer."""
        super().__init__(_INPUTS, 2)

    def set(
        self, told: Sequence[Tensor], heads: Mapping[str, Tensor], target: Tensor, real: Tensor, state: ControlState
    ) -> Controls:
        """Return the controls of an update.

        Args:
          told: progress n / L and the logarithm of the lifetime L, f32[T, W], the same everywhere.
          heads: "logits" f32[T, W, A] and "value" f32[T, W].
          target: f32[T, W], of the value.
          real: bool[T, W]: false in hidden rows.
          state: before the update.
        """
        progress, log_lifetime = (x.flatten()[0] for x in told)
        facts = [
            2 * progress - 1,
            (log_lifetime - math.log(_USUAL_LIFETIME)) / math.log(10),
            2 * mean(normalised_entropy(heads["logits"]), real) - 1,
            explained_variance(heads["value"], target, real),
            state.change,
            state.step,
        ]
        return Controls(*(_RANGE * (_GAIN * self(torch.stack(facts))).tanh()).exp())


def explained_variance(value: Tensor, target: Tensor, real: Tensor) -> Tensor:
    """Return 1 - Var[R - V] / Var[R] over the rows that are not hidden, f32[]; at least -1, and 0 if R is constant."""
    whole, left = std(target, real) ** 2, std(target - value, real) ** 2
    return torch.where(whole > 1e-8, (1 - left / whole.clamp(min=1e-8)).clamp(min=-1.0), 0.0)


def remember(state: ControlState, step: Tensor, before: Tensor, after: Tensor, real: Tensor) -> ControlState:
    """Return the memory after an update.

    Args:
      state: before the update.
      step: f32[], the factor of steps in the update.
      before, after: logits of the policy, f32[T, W, A], before and after the update.
      real: bool[T, W]: false in hidden rows.
    """
    kl = mean(kl_divergence(before.float(), F.log_softmax(after.float(), -1)), real)
    change = (kl.clamp(min=1e-8) / _USUAL_CHANGE).log() / 4
    return state._replace(change=change.clamp(-1.0, 1.0), step=step.log() / _RANGE)
