"""The ranges of numbers that training loops give to a rule, in JAX and in PyTorch.

This module does not import JAX, so that groove.torch works without JAX.
"""

import math
from typing import Any

from groove.utils.errors import GrooveError

_LEAST, _MOST = 1e-37, 3e38  # within float32, in which rules compute
_ROUNDING = 1e-6  # of a quotient n / L in float32
_DEMANDS = {
    "lifetime": "be positive and finite: give the number of agent updates of a lifetime",
    "progress": "lie between 0 and 1: give n / L, the agent updates done divided by those of a lifetime, and begin a "
    "new agent after L updates",
}


def in_range(name: str, x: Any) -> Any:
    """Return where numbers can be a "lifetime" or a "progress"; bool for a number, an array of bool for an array."""
    if name == "lifetime":
        return (x >= _LEAST) & (x <= _MOST)
    return (x >= 0) & (x <= 1 + _ROUNDING)


def range_error(name: str, value: Any) -> GrooveError:
    """Return the error for a number outside its range.

    Args:
      name: "lifetime" or "progress".
      value: the number.
    """
    return GrooveError(f"{name} = {value} must {_DEMANDS[name]}.")


def reward_error(prefix: str, value: float, step: int, worker: int) -> GrooveError:
    """Return the error for a reward that is not finite in float32.

    Args:
      prefix: of the names of arguments.
      value: the reward.
      step: its index t.
      worker: its index w.
    """
    beyond = ", beyond the range of float32," if math.isfinite(value) else ""
    return GrooveError(
        f"{prefix}reward must be finite, and is {value}{beyond} in step {step} of worker {worker}: correct the "
        f"environment's reward, or hide padded rows by {prefix}mask."
    )
