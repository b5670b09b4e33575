"""The learned rule in PyTorch: the same loss from the same file, without JAX.

    rule = groove.torch.load("groove")
    loss = rule.loss(logits, y, next_y, action, reward, terminated, truncated)
    loss.backward()

Needs the extra `torch`: pip install "groove-rl[torch]".
"""

from collections.abc import Mapping
from typing import Any

from groove.dropin.rule_file import RuleFileError, find_rule_file, load_rule

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
except ImportError as error:
    raise ImportError('groove.torch needs PyTorch: run pip install "groove-rl[torch]".') from error


class Rule(nn.Module):
    """A learned update rule (Oh et al. 2020) around torch.nn.GRU; its parameters are frozen.

    Attributes:
      name: as it was loaded.
      config: of its network, as in groove.lpg.network.LPGConfig.
      prediction_width: Y, the width of the prediction head that agents need.
    """

    def __init__(self, name: str, config: Mapping[str, Any], eta: Mapping[str, Any]) -> None:
        """Takes over the parameters of a rule file.

        Raises:
          ValueError: on a core that is not a GRU, or parameters of another shape than the configuration says.
        """
        super().__init__()
        if config["core"] != "gru":
            raise ValueError(f'"{name}" has a core "{config["core"]}"; in PyTorch there are rules with a GRU only.')
        self.name, self.config = name, dict(config)
        width, hidden = config["prediction_width"], config["hidden"]
        self.prediction_width: int = width
        inputs = 8 if config["lifetime_conditioning"] else 6
        embedding = config["embedding_width"]
        self.phi = nn.Sequential(nn.Linear(width, embedding), nn.ReLU(), nn.Linear(embedding, 1))
        self.core = nn.GRU(inputs, hidden)
        self.pi_hat = nn.Linear(hidden, 1, bias=not config["normalise"])
        self.y_hat = nn.Linear(hidden, width)
        self._take(eta)
        self.requires_grad_(False)

    def targets(
        self,
        logits: Tensor,
        y: Tensor,
        next_y: Tensor,
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None = None,
        *,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """What the rule tells the agent to move towards: pi_hat f32[T, W] and log y_hat f32[T, W, Y], constants.

        Args and errors as of `loss`.
        """
        with torch.no_grad():
            terminated = terminated.bool()
            truncated = torch.zeros_like(terminated) if truncated is None else truncated.bool()
            self._check(logits, y, next_y, action, reward, terminated, truncated)
            chosen = F.log_softmax(logits, -1).gather(-1, action.long().unsqueeze(-1)).squeeze(-1)
            ended = terminated.float()
            features = [
                reward.float(),
                ended,
                torch.full_like(ended, self.config["discount"]),
                chosen.exp(),
                self._embed(y),
                self._embed(next_y) * (1 - ended),
                *self._lifetime(ended, progress, lifetime),
            ]
            hidden = F.relu(self._backwards(torch.stack(features, -1), 1 - (terminated | truncated).float()))
            pi_hat = self.pi_hat(hidden).squeeze(-1)
            if self.config["normalise"]:
                pi_hat = (pi_hat - pi_hat.mean()) * torch.rsqrt(pi_hat.var(unbiased=False) + 1e-4)
            return pi_hat, F.log_softmax(self.y_hat(hidden), -1)

    def loss(
        self,
        logits: Tensor,
        y: Tensor,
        next_y: Tensor,
        action: Tensor,
        reward: Tensor,
        terminated: Tensor,
        truncated: Tensor | None = None,
        *,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> Tensor:
        """The loss an agent descends: mean_t -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t).

        Args:
          logits: f32[T, W, A], the policy's at the T steps of W workers.
          y, next_y: f32[T, W, Y], logits of the prediction at the observations and at their true successors.
          action: int64[T, W].
          reward: f32[T, W].
          terminated: bool[T, W], the episode ended by the environment's own rules.
          truncated: bool[T, W], it was cut off by a time limit; by default never.
          progress: n / L, the share of the agent's lifetime that is over; for rules that are conditioned on it.
          lifetime: L, in agent updates; for the same.

        Raises:
          ValueError: where shapes do not agree, or a rule that is conditioned on the lifetime is not told of it.
        """
        told = {"progress": progress, "lifetime": lifetime}
        pi_hat, y_hat = self.targets(logits, y, next_y, action, reward, terminated, truncated, **told)
        log_pi = F.log_softmax(logits, -1).gather(-1, action.long().unsqueeze(-1)).squeeze(-1)
        log_y = F.log_softmax(y, -1)
        divergence = (log_y.exp() * (log_y - y_hat)).sum(-1)
        return (-log_pi * pi_hat + self.config["prediction_coefficient"] * divergence).mean()

    def _backwards(self, x: Tensor, keep: Tensor) -> Tensor:
        """The core over steps T-1 .. 0, forgetting where an episode ends: [T, W, I] -> [T, W, H]."""
        h = x.new_zeros(1, x.shape[1], self.config["hidden"])
        hs = []
        for t in reversed(range(len(x))):
            _, h = self.core(x[t : t + 1], h * keep[t][None, :, None])
            hs.append(h[0])
        return torch.stack(hs[::-1])

    def _embed(self, y: Tensor) -> Tensor:
        """phi of a prediction's logits: [T, W, Y] -> [T, W]."""
        return self.phi(self.config.get("embedding_gain", 1.0) * F.softmax(y, -1)).squeeze(-1)

    def _lifetime(self, like: Tensor, progress: float | None, lifetime: float | None) -> list[Tensor]:
        if not self.config["lifetime_conditioning"]:
            return []
        if progress is None or lifetime is None:
            raise ValueError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at its beginning, 1 at its '
                "end) and lifetime (in updates)."
            )
        return [torch.full_like(like, progress), torch.full_like(like, lifetime).log()]

    def _check(self, logits: Tensor, y: Tensor, next_y: Tensor, *others: Tensor) -> None:
        names = ("action", "reward", "terminated", "truncated")
        shape = others[1].shape
        if len(shape) != 2:
            raise ValueError(f"reward is f32[T, W], not {tuple(shape)}.")
        for name, x in zip(names, others, strict=True):
            if x.shape != shape:
                raise ValueError(f"{name} is [T, W] = {tuple(shape)} like reward, not {tuple(x.shape)}.")
        for name, x, width in (("y", y, self.prediction_width), ("next_y", next_y, self.prediction_width)):
            if x.shape != (*shape, width):
                raise ValueError(f"{name} is f32[T, W, {width}], T, W = {tuple(shape)}, not {tuple(x.shape)}.")
        if logits.ndim != 3 or logits.shape[:2] != shape:
            raise ValueError(f"logits is f32[T, W, A], T, W = {tuple(shape)}, not {tuple(logits.shape)}.")

    def _take(self, eta: Mapping[str, Any]) -> None:
        """Copies the file's arrays, which are those of the JAX network, into this module."""

        def tensor(group: str, name: str) -> Tensor:
            return torch.tensor(eta[group][name])

        own = {
            "phi.0.weight": tensor("phi/~/linear_0", "w").T,
            "phi.0.bias": tensor("phi/~/linear_0", "b"),
            "phi.2.weight": tensor("phi/~/linear_1", "w").T,
            "phi.2.bias": tensor("phi/~/linear_1", "b"),
            "core.weight_ih_l0": tensor("~", "core_w_i").T,
            "core.weight_hh_l0": tensor("~", "core_w_h").T,
            "core.bias_ih_l0": tensor("~", "core_b"),
            "pi_hat.weight": tensor("pi_hat", "w").T,
            "y_hat.weight": tensor("y_hat", "w").T,
            "y_hat.bias": tensor("y_hat", "b"),
        }
        hidden_bias = torch.zeros_like(own["core.bias_ih_l0"])
        hidden_bias[-self.config["hidden"] :] = tensor("~", "core_b_n")  # of n, inside the reset gate
        own["core.bias_hh_l0"] = hidden_bias
        if self.pi_hat.bias is not None:
            own["pi_hat.bias"] = tensor("pi_hat", "b")
        try:
            self.load_state_dict(own)
        except RuntimeError as error:
            raise ValueError(f'the arrays of "{self.name}" do not fit its configuration: {error}') from error


def load(name: str) -> Rule:
    """Loads a learned rule: a released one by name, a run's directory, or a rule file. Runs no code from files.

    Raises:
      ValueError: if there is no such rule, or its file is damaged or holds something else.
    """
    eta, about = load_rule(path := find_rule_file(name))
    if about.get("rule") != "lpg" or "lpg" not in about:
        raise RuleFileError(f"{path} does not hold an LPG rule: make one with launch/meta_train.py.")
    return Rule(name, about["lpg"], eta)
