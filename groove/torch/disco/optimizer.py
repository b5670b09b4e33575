"""The optimizer of the published agents."""

from collections.abc import Callable
from typing import Any

import torch


class BoundedAdam(torch.optim.Adam):
    """Adam whose steps are clipped to +-1, element by element, before the learning rate.

    The bound is on m / (sqrt(v) + eps), not on the gradient. Arguments are those of torch.optim.Adam.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; see torch.optim.Adam."""
        before = [[p.detach().clone() for p in group["params"]] for group in self.param_groups]
        loss = super().step(closure)
        with torch.no_grad():
            for group, old in zip(self.param_groups, before, strict=True):
                rate = float(group["lr"])
                for param, start in zip(group["params"], old, strict=True):
                    param.copy_(start + (param - start).clamp(-rate, rate))
        return loss
