"""Values as categorical distributions over bins of a squashed scale; see groove.lpg.disco.transforms."""

import torch
import torch.nn.functional as F
from torch import Tensor

from groove.lpg.disco.heads import LARGEST_BIN

_SLOPE = 1e-3  # of the linear part of the squashing function
_TWO_HOT_EPSILON = 1e-5


def squash(x: Tensor) -> Tensor:
    """Return h(x) = sign(x) (sqrt(abs(x) + 1) - 1) + 0.001 x (Pohlen et al. 2018, proposition A.2)."""
    return x.sign() * ((x.abs() + 1).sqrt() - 1) + _SLOPE * x


def unsquash(x: Tensor) -> Tensor:
    """Return the inverse of `squash`, elementwise, without differences that cancel near zero."""
    size, linear = x.abs(), 1 + 2 * _SLOPE
    root = 2 * size / (linear + (linear**2 + 4 * _SLOPE * size).sqrt())
    return x.sign() * root * (root + 2)


def mean_value(logits: Tensor) -> Tensor:
    """Return h^-1(sum_j softmax(logits)_j j), the value of a distribution over bins: f32[..., 601] -> f32[...]."""
    return unsquash(F.softmax(logits, -1) @ _bins(logits))


def two_hot(x: Tensor) -> Tensor:
    """Return the distribution over the two bins beside a value of the squashed scale: f32[...] -> f32[..., 601].

    The value is first clipped to the range of the bins. The lower bin l gets (u - x) / (u - l + 1e-5), where u is the
    upper one, and the upper bin gets the rest.
    """
    x = x.clamp(-LARGEST_BIN, LARGEST_BIN)
    low, high = x.floor(), x.ceil()
    share = ((high - x) / (high - low + _TWO_HOT_EPSILON)).unsqueeze(-1)
    at_low, at_high = (edge.unsqueeze(-1) == _bins(x) for edge in (low, high))
    return at_low * share + at_high * (1 - share)


def _bins(like: Tensor) -> Tensor:
    return torch.arange(-LARGEST_BIN, LARGEST_BIN + 1, dtype=torch.float32, device=like.device)
