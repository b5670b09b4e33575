"""The learned rule in PyTorch: the same losses and updates from the same file, without JAX.

::

    rule = groove.torch.load("groove")
    agent = rule.add_heads(torso, features=64, num_actions=2)
    state = rule.init_state()
    experience = (obs, action, reward, terminated, truncated, next_obs, mask)
    state, info = rule.update(agent, optimizer, *experience, state, progress=i / n, lifetime=n)

Needs the extra `torch`: pip install "groove-rl[torch]".
"""

from groove.utils.errors import missing_extra

try:
    import torch
except ImportError as error:
    raise missing_extra("PyTorch", "torch") from error

from groove.torch.disco.agent import AgentWithActionModel
from groove.torch.disco.optimizer import BoundedAdam
from groove.torch.disco.rule import DiscoRule
from groove.torch.heads import AgentWithHeads
from groove.torch.loading import load
from groove.torch.rule import Rule

__all__ = ["AgentWithActionModel", "AgentWithHeads", "BoundedAdam", "DiscoRule", "Rule", "load"]
del torch  # this package is no stand-in for PyTorch
