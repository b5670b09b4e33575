"""Running moments of a lifetime, by which advantages are normalised; see groove.lpg.disco.moments."""

from typing import NamedTuple

import torch
from torch import Tensor

from groove.torch.functions import mean

_DECAY = 0.99
_EPSILON = 1e-6  # added to the scale
_ROOT_EPSILON = 1e-12  # added below the root


class Moments(NamedTuple):
    """Exponential moving averages, f32 [] each."""

    first: Tensor  # of x
    second: Tensor  # of x^2
    decayed: Tensor  # weight that the start still has, 0.99^n

    def grown(self, x: Tensor, real: Tensor) -> "Moments":
        """Return the moments after the elements of one more array, where `real` is true."""
        return Moments(
            first=_DECAY * self.first + (1 - _DECAY) * mean(x, real),
            second=_DECAY * self.second + (1 - _DECAY) * mean(x**2, real),
            decayed=_DECAY * self.decayed,
        )

    def normalised(self, x: Tensor) -> Tensor:
        """Return x shifted by the running mean and divided by the running standard deviation."""
        seen = 1 - self.decayed  # the start has no weight in what follows
        mean = self.first / seen
        variance = (self.second / seen - mean**2).clamp(min=0.0)
        return (x - mean) / ((variance + _ROOT_EPSILON).sqrt() + _EPSILON)


def begin_moments(device: torch.device) -> Moments:
    """Return the moments at the beginning of a lifetime."""
    return Moments(*(torch.tensor(x, device=device) for x in (0.0, 0.0, 1.0)))
