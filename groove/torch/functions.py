"""Functions of tensors [T, W] under a mask: statistics, advantages, and the loss of an agent."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Batch(NamedTuple):
    """Transitions with everything that the agent's loss reads; leading axes [T, W] or [B]."""

    action: Tensor
    log_prob: Tensor  # under the policy that acted
    pi_hat: Tensor
    y_hat: Tensor | None  # log-probabilities, or under a base their shift; None if agents have no prediction head
    target: Tensor | None  # of the value
    real: Tensor

    def rows(self, index: Tensor) -> "Batch":
        """Return the transitions of an index into [T W], flat."""
        target, y_hat = (None if x is None else x.flatten(0, 1)[index] for x in (self.target, self.y_hat))
        action, log_prob, pi_hat, real = (
            x.flatten(0, 1)[index] for x in (self.action, self.log_prob, self.pi_hat, self.real)
        )
        return Batch(action, log_prob, pi_hat, y_hat, target, real)


def action_log_prob(logits: Tensor, action: Tensor, real: Tensor) -> Tensor:
    """Return log pi(a_t|s_t); 0 in hidden rows, whose action may be no index of a logit."""
    index = torch.where(real, action.long(), 0)
    log_prob = F.log_softmax(logits, -1).gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return torch.where(real, log_prob, 0.0)


def entropy(logits: Tensor) -> Tensor:
    """Return the entropy, in nats: f32[..., A] -> f32[...]."""
    log_p = F.log_softmax(logits, -1)
    return -(log_p.exp() * log_p).sum(-1)


def normalised_entropy(logits: Tensor) -> Tensor:
    """Return the entropy divided by its largest value, log A, and 0 for a single action: f32[..., A] -> f32[...]."""
    return entropy(logits) / math.log(max(logits.shape[-1], 2))


def kl_divergence(logits: Tensor, target_log_probs: Tensor) -> Tensor:
    """Return KL(softmax(logits) || target), in nats: f32[..., Y], f32[..., Y] -> f32[...]."""
    log_p = F.log_softmax(logits, -1)
    return (log_p.exp() * (log_p - target_log_probs)).sum(-1)


def mean(x: Tensor, real: Tensor) -> Tensor:
    """Return the mean over the rows that are not hidden."""
    return torch.where(real, x, 0.0).sum() / real.sum().clamp(min=1)


def std(x: Tensor, real: Tensor) -> Tensor:
    """Return the standard deviation over the rows that are not hidden."""
    return mean((x - mean(x, real)) ** 2, real).sqrt()


def normalised(pi_hat: Tensor, real: Tensor) -> Tensor:
    """Return pi_hat with zero mean and unit variance over the rows that are not hidden, else 0."""
    centred = torch.where(real, pi_hat - mean(pi_hat, real), 0.0)
    return centred * torch.rsqrt(mean(centred**2, real) + 1e-4)


def discounted_sum(x: Tensor, decay: Tensor) -> Tensor:
    """Return S_t = x_t + decay_t S_{t+1}, f32[T, W]; a return or a generalised advantage."""
    later, sums = torch.zeros_like(x[0]), []
    for x_t, decay_t in zip(x.flip(0), decay.flip(0), strict=True):
        later = x_t + decay_t * later
        sums.append(later)
    return torch.stack(sums[::-1])


def symlog(x: Tensor) -> Tensor:
    """Return sign(x) log(1 + abs(x))."""
    return x.sign() * x.abs().log1p()


def prediction_targets(config: Mapping[str, Any], y: Tensor, y_hat: Tensor) -> Tensor:
    """Return the log-probabilities that the prediction moves towards, without gradients."""
    if config["base"] == "none":
        return y_hat
    return F.log_softmax(F.log_softmax(y.detach(), -1) + y_hat, -1)


def agent_loss(
    config: Mapping[str, Any],
    heads: Mapping[str, Tensor],
    batch: Batch,
    epochs: int | None = None,
    entropy_factor: Tensor | float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Return the mean loss of transitions, f32[], and the share of ratios beyond the clip.

    The equation is that of groove.lpg.value_lpg.agent_loss.

    Args:
      config: of the rule.
      heads: outputs of the agent on the transitions.
      batch: the transitions.
      epochs: E, passes over the rollout with clipped ratios; None for the plain policy gradient.
      entropy_factor: of the weight of the policy's entropy.
    """
    log_prob = action_log_prob(heads["logits"], batch.action, batch.real)
    clipped = log_prob.new_zeros(())
    if epochs is None:
        loss = -log_prob * batch.pi_hat
    else:
        ratio, clip = (log_prob - batch.log_prob).exp(), config["clip"]
        loss = -torch.minimum(ratio * batch.pi_hat, ratio.clamp(1 - clip, 1 + clip) * batch.pi_hat)
        clipped = mean(((ratio - 1).abs() > clip).float(), batch.real)
    if config["base"] != "none":
        loss = loss - entropy_factor * config["entropy_coefficient"] * entropy(heads["logits"])
    if batch.target is not None:
        loss = loss + 0.5 * (heads["value"] - batch.target) ** 2
    if batch.y_hat is not None:
        y_hat = prediction_targets(config, heads["y"], batch.y_hat)
        loss = loss + config["prediction_coefficient"] / (epochs or 1) * kl_divergence(heads["y"], y_hat)
    return mean(loss, batch.real), clipped
