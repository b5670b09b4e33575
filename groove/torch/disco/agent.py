"""The agent of the published rule in PyTorch: heads on a torso, some of them after a model of the action.

The model is that of groove.agents.action_model.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from groove.lpg.disco.heads import BY_ACTION

_SMALL = 0.01  # standard deviation of the initial weights of heads of the state


class ActionStep(nn.Module):
    """One step of an LSTM from the state of the torso, for each of A actions as a vector with a single one.

    The part of the gates that does not depend on the action is computed once.
    """

    def __init__(self, features: int, num_actions: int, width: int) -> None:
        """Declare a step for A actions, with `width` units."""
        super().__init__()
        self.cell, self.state = _linear(features, width), nn.Linear(width, 4 * width)
        self.action = nn.Parameter(torch.empty(num_actions, 4 * width))
        nn.init.zeros_(self.state.bias)
        for weights in (self.state.weight, self.action):
            _draw(weights, (num_actions + width) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the state after each action, f32[..., A, width], from the features f32[..., D] before it."""
        cell = self.cell(x)
        gates = self.state(cell.tanh()).unsqueeze(-2) + self.action
        i, g, f, o = gates.chunk(4, -1)
        cell = (f + 1).sigmoid() * cell.unsqueeze(-2) + i.sigmoid() * g.tanh()
        return o.sigmoid() * cell.tanh()


class AgentWithActionModel(nn.Module):
    """A torso with the heads of Disco103: obs [..., D...] -> the outputs of the heads, f32[..., width] each."""

    def __init__(self, torso: nn.Module, features: int, heads: Mapping[str, int], width: int = 128) -> None:
        """Add heads, name -> width, to a torso that returns f32[..., features].

        Heads of the state are linear. Heads with outputs for every action follow the model of the action, with one
        layer of `width` units between.
        """
        super().__init__()
        actions = heads["logits"]
        self.torso, self.model, self.heads = torso, ActionStep(features, actions, width), nn.ModuleDict()
        for name, outputs in heads.items():
            if name in BY_ACTION:
                layers = (_linear(width, width), nn.ReLU(), _linear(width, outputs // actions))
                self.heads[name] = nn.Sequential(*layers)
            else:
                self.heads[name] = _linear(features, outputs, _SMALL)

    def forward(self, obs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of the heads, in the order of `DiscoRule.heads`."""
        x = self.torso(obs)
        after = self.model(x)
        outputs = {name: head(after if name in BY_ACTION else x) for name, head in self.heads.items()}
        return tuple(y.flatten(-2) if name in BY_ACTION else y for name, y in outputs.items())

    def logits(self, obs: Tensor) -> Tensor:
        """Return the logits of the policy alone, f32[..., A], to act."""
        logits: Tensor = self.heads["logits"](self.torso(obs))
        return logits


def _linear(inputs: int, outputs: int, std: float | None = None) -> nn.Linear:
    """Return a linear layer without biases at first, and weights of the standard deviation inputs^-1/2."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.bias)
    _draw(layer.weight, inputs**-0.5 if std is None else std)
    return layer


def _draw(weights: Tensor, std: float) -> None:
    """Draw weights from a normal distribution that is cut at two standard deviations."""
    nn.init.trunc_normal_(weights, std=std, a=-2 * std, b=2 * std)
