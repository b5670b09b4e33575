"""The steps of one update in PyTorch: epochs of minibatches towards the targets of a rule."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from groove.torch.controls import Controls
from groove.torch.functions import Batch, agent_loss
from groove.torch.heads import read_heads
from groove.utils.errors import GrooveError


def take_steps(
    config: Mapping[str, Any],
    widths: Mapping[str, int],
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    obs: Tensor,
    batch: Batch,
    parts: list[Tensor],
    epochs: int | None,
    max_grad_norm: float | None,
    controls: Controls | None = None,
) -> Tensor:
    """Take one optimizer step per minibatch, and return the share of ratios beyond the clip, f32[].

    Args:
      config: of the rule.
      widths: of the heads of the rule.
      module: the agent.
      optimizer: of the agent.
      obs: [B, ...], B = T W.
      batch: the transitions [T, W] with their targets.
      parts: indices of the transitions of each minibatch.
      epochs: E; None for one step without a clip.
      max_grad_norm: global norm to which the gradient of each step is clipped; None for no clipping.
      controls: of the update; None if the rule sets none.
    """
    shares = []
    entropy_factor = 1.0 if controls is None else controls.entropy
    for index in parts:
        heads = read_heads(module, obs[index], widths)
        loss, clipped = agent_loss(config, heads, batch.rows(index), epochs, entropy_factor)
        descend(loss, module, optimizer, max_grad_norm, None if controls is None else controls.step)
        shares.append(clipped.detach())
    return torch.stack(shares).mean() if shares else obs.new_zeros(())


def descend(
    loss: Tensor,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    max_grad_norm: float | None,
    factor: Tensor | None = None,
) -> None:
    """Take one optimizer step on the gradient of a loss, f32[].

    Args:
      loss: of the agent.
      module: the agent.
      optimizer: of the agent.
      max_grad_norm: global norm to which the gradient is clipped; None for no clipping.
      factor: f32[], of the step; None for 1.
    """
    optimizer.zero_grad()
    loss.backward()
    if max_grad_norm is not None:
        nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
    _step(optimizer, factor)


def _step(optimizer: torch.optim.Optimizer, factor: Tensor | None) -> None:
    """Take a step of an optimizer, times a factor."""
    if factor is None:
        optimizer.step()
        return
    params = [p for group in optimizer.param_groups for p in group["params"]]
    before = [p.detach().clone() for p in params]
    optimizer.step()
    with torch.no_grad():
        for param, old in zip(params, before, strict=True):
            param.copy_(old + factor * (param - old))


def minibatches(real: Tensor, epochs: int, parts: int, generator: torch.Generator | None) -> Iterator[Tensor]:
    """Yield the indices of minibatches: a permutation of the rows that count for each pass, cut in equal parts.

    Raises:
      GrooveError: if the number of minibatches does not divide the number of transitions.
    """
    size = real.numel()
    if size % parts:
        fitting = max(m for m in range(1, min(parts, size + 1)) if size % m == 0)
        raise GrooveError(
            f"minibatches = {parts} does not divide the {size} transitions (steps x workers) of a rollout: set it to "
            f"a divisor of {size}, such as {fitting}, or change the steps or workers."
        )
    rows = real.flatten().nonzero()[:, 0]
    device = "cpu" if generator is None else generator.device
    for _ in range(epochs):
        order = torch.randperm(len(rows), generator=generator, device=device).to(rows.device)
        yield from (part for part in rows[order].tensor_split(parts) if len(part))
