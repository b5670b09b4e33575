"""The heads of agents in PyTorch: a module that adds them to a torso, and their outputs by name."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from groove.utils.errors import GrooveError
from groove.utils.limits import MOST_INTEGER, check_integer

_CURE = "rule.add_heads(torso, features, num_actions) adds the heads of a rule to a torso"
_LAYERS = {"logits": "policy", "y": "prediction", "value": "value"}


class AgentWithHeads(nn.Module):
    """A torso with linear heads: obs [..., D...] -> the outputs of the heads, f32[..., width] each."""

    def __init__(self, torso: nn.Module, features: int, heads: Mapping[str, int]) -> None:
        """Add heads, name -> width, to a torso that returns f32[..., features]."""
        super().__init__()
        check_integer("features", features, MOST_INTEGER)
        for name, width in heads.items():
            check_integer("num_actions" if name == "logits" else name, width, MOST_INTEGER)
        self.torso = torso
        self.names = [_LAYERS[name] for name in heads]
        for name, width in heads.items():
            self.add_module(_LAYERS[name], nn.Linear(features, width))

    def forward(self, obs: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of the heads, in the order of `Rule.heads`."""
        features = self.torso(obs)
        return tuple(getattr(self, name)(features) for name in self.names)


def read_heads(module: Any, obs: Tensor, widths: Mapping[str, int]) -> dict[str, Tensor]:
    """Return the outputs of an agent's heads by name, f32[B, width]; the value is f32[B].

    Args:
      module: obs [B, ...] -> outputs of the heads, as a tuple in the order of `widths` or by name.
      obs: [B, ...].
      widths: name -> width; the width of "logits" is not checked.

    Raises:
      GrooveError: if a head is missing, there is one too many, or one has the wrong shape.
    """
    output = module(obs)
    if not isinstance(output, Mapping | tuple | list):
        raise GrooveError(
            f"the module must return {_signature(widths)}, a tuple in this order or a mapping by name, not one "
            f"{type(output).__name__}: {_CURE}."
        )
    named = isinstance(output, Mapping)
    found: Mapping[str, Any] = output if isinstance(output, Mapping) else dict(zip(widths, output, strict=False))
    for name in widths:
        if name not in found:
            returned = f"only {', '.join(map(repr, found))}" if named else f"{len(output)} output(s)"
            width = "A, the number of actions" if name == "logits" else widths[name]
            raise GrooveError(
                f'the head "{name}" is missing, whose width is {width}: the module returns {returned}, and the rule '
                f"needs {_signature(widths)}. {_CURE}."
            )
    if not named and len(output) > len(widths):
        raise GrooveError(
            f"the module returns {len(output)} outputs, and the rule needs {len(widths)}, {_signature(widths)}: leave "
            "out the others, or return a mapping with these names, of which the rule takes its own."
        )
    heads = {name: found[name].float() for name in widths}
    if isinstance(heads.get("logits"), Tensor):
        heads["logits"] = finite_logits(heads["logits"])
    if "value" in heads and heads["value"].shape == (len(obs), 1):
        heads["value"] = heads["value"][:, 0]
    for name, head in heads.items():
        any_width = name == "logits" and head.ndim == 2
        shape = (len(obs),) if name == "value" else (len(obs), head.shape[-1] if any_width else widths[name])
        if head.shape != shape:
            wanted = {"logits": "[B, A]", "value": "[B] or [B, 1]"}.get(name, f"[B, {widths[name]}]")
            raise GrooveError(
                f'the module must return the head "{name}" of shape {wanted} for B = {len(obs)} observations, not '
                f"{tuple(head.shape)}: it returns {_signature(widths)}."
            )
    return heads


def finite_logits(logits: Tensor) -> Tensor:
    """Replace -inf, the logit of illegal actions, by the smallest f32, because 0 x -inf is NaN."""
    return logits.clamp(min=torch.finfo(torch.float32).min)


def _signature(widths: Mapping[str, int]) -> str:
    shapes = {"logits": "logits [B, A]", "value": "value [B]"}
    return f"({', '.join(shapes.get(name, f'{name} [B, {width}]') for name, width in widths.items())})"
