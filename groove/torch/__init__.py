"""The learned rule in PyTorch: the same losses and updates from the same file, without JAX.

::

    rule = groove.torch.load("groove")
    loss = rule.loss(logits, y, next_y, action, reward, terminated, truncated)
    loss.backward()

Needs the extra `torch`: pip install "groove-rl[torch]".
"""

from groove.utils.errors import missing_extra

try:
    import torch
except ImportError as error:
    raise missing_extra("PyTorch", "torch") from error

from groove.torch.heads import AgentWithHeads
from groove.torch.loading import load
from groove.torch.rule import Rule

__all__ = ["AgentWithHeads", "Rule", "load"]
del torch  # this package is no stand-in for PyTorch
