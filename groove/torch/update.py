"""The steps of one update in PyTorch: epochs of minibatches towards the targets of a rule."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

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
    """
    shares = []
    for index in parts:
        loss, clipped = agent_loss(config, read_heads(module, obs[index], widths), batch.rows(index), epochs)
        optimizer.zero_grad()
        loss.backward()
        if max_grad_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), max_grad_norm)
        optimizer.step()
        shares.append(clipped.detach())
    return torch.stack(shares).mean() if shares else obs.new_zeros(())


def minibatches(real: Tensor, epochs: int, parts: int, generator: torch.Generator | None) -> Iterator[Tensor]:
    """Yield the indices of minibatches: a permutation of the rows that count for each pass, cut in equal parts.

    Raises:
      GrooveError: if the number of minibatches does not divide the number of transitions.
    """
    size = real.numel()
    if size % parts:
        fitting = max(m for m in range(1, parts) if size % m == 0)
        raise GrooveError(
            f"minibatches = {parts} does not divide the {size} transitions (steps x workers) of a rollout: set it to "
            f"a divisor of {size}, such as {fitting}, or change the steps or workers."
        )
    rows = real.flatten().nonzero()[:, 0]
    device = "cpu" if generator is None else generator.device
    for _ in range(epochs):
        order = torch.randperm(len(rows), generator=generator, device=device).to(rows.device)
        yield from (part for part in rows[order].tensor_split(parts) if len(part))
