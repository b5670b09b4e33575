"""The learned rule in PyTorch: the same loss from the same file, without JAX.

::

    rule = groove.torch.load("groove")
    loss = rule.loss(logits, y, next_y, action, reward, terminated, truncated)
    loss.backward()

Needs the extra `torch`: pip install "groove-rl[torch]".
"""

from collections.abc import Mapping
from typing import Any

from groove.dropin.rule_file import RuleFileError, find_rule_file, load_rule
from groove.utils.errors import GrooveError, missing_extra
from groove.utils.io import one_line
from groove.utils.paths import PathLike

try:
    import torch
    import torch.nn.functional as F
    from torch import Tensor, nn
except ImportError as error:
    raise missing_extra("PyTorch", "torch") from error


class Rule(nn.Module):
    """A learned update rule (Oh et al. 2020) around torch.nn.GRU; its parameters are frozen.

    Attributes:
      name: the name under which the rule was loaded.
      config: settings of the rule's network, the fields of groove.lpg.network.LPGConfig.
      prediction_width: Y, the width of the prediction head that agents need.
    """

    def __init__(self, name: str, config: Mapping[str, Any], eta: Mapping[str, Any]) -> None:
        """Take over the parameters of a rule file.

        Raises:
          GrooveError: on a core that is not a GRU, or parameters of another shape than the configuration says.
        """
        super().__init__()
        if config["core"] != "gru":
            raise GrooveError(f'"{name}" has a core "{config["core"]}"; groove.torch loads rules with a GRU only.')
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
        mask: Tensor | None = None,
        *,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the targets pi_hat f32[T, W] and log y_hat f32[T, W, Y], without gradients.

        Arguments and errors are those of `loss`.
        """
        terminated = terminated.bool()
        truncated = torch.zeros_like(terminated) if truncated is None else truncated.bool()
        real = torch.ones_like(terminated) if mask is None else mask.bool()
        self._check(logits, y, next_y, action, reward, terminated, truncated, real)
        with torch.no_grad(), torch.autocast(logits.device.type, enabled=False):
            ended = terminated.float()
            features = [
                torch.where(real, reward.float(), 0.0),
                ended,
                torch.full_like(ended, self.config["discount"]),
                _action_log_prob(logits.float(), action, real).exp(),
                self._embed(y.float()),
                self._embed(next_y.float()) * (1 - ended),
                *self._lifetime(ended, progress, lifetime),
            ]
            # the core reads backwards: it forgets at an end, and where the next row is hidden
            cut_off = truncated | torch.cat([~real[1:], torch.zeros_like(real[:1])])
            hidden = F.relu(self._backwards(torch.stack(features, -1), 1 - (terminated | cut_off).float()))
            pi_hat = self.pi_hat(hidden).squeeze(-1)
            if self.config["normalise"]:
                pi_hat = torch.where(real, pi_hat - _mean(pi_hat, real), 0.0)
                pi_hat = pi_hat * torch.rsqrt(_mean(pi_hat**2, real) + 1e-4)
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
        mask: Tensor | None = None,
        *,
        progress: float | None = None,
        lifetime: float | None = None,
    ) -> Tensor:
        """Return the loss that an agent descends, f32[] (Oh et al. 2020, eq. 2).

        Over the rows t that `mask` does not hide, the loss is::

            mean_t [ -log pi(a_t|s_t) pi_hat_t + alpha_y KL(y(s_t) || y_hat_t) ]

        Outputs of the agent in another precision, as under autocast, are converted to float32.

        Args:
          logits: f32[T, W, A], of the policy at the T steps of W workers.
          y, next_y: f32[T, W, Y], logits of the prediction at the observations and at their true successors.
          action: int64[T, W].
          reward: f32[T, W].
          terminated: bool[T, W], the episode ended by the environment's own rules.
          truncated: bool[T, W], the episode was cut off by a time limit; by default never.
          mask: bool[T, W], false where a row is padding or only a reset; by default all rows count. In gymnasium's
            default mode, NEXT_STEP, the mask is false in the step after the end of an episode.
          progress: n / L, the share of the agent's lifetime that is over; read by rules that are conditioned on the
            lifetime.
          lifetime: L, agent updates; read by the same rules.

        Raises:
          GrooveError: if shapes do not fit together, an action is no index of a policy logit, or a rule that is
            conditioned on the lifetime gets none.
        """
        told = {"progress": progress, "lifetime": lifetime}
        pi_hat, y_hat = self.targets(logits, y, next_y, action, reward, terminated, truncated, mask, **told)
        real = torch.ones_like(action, dtype=torch.bool) if mask is None else mask.bool()
        with torch.autocast(logits.device.type, enabled=False):
            log_pi = _action_log_prob(logits.float(), action, real)
            log_y = F.log_softmax(y.float(), -1)
            divergence = (log_y.exp() * (log_y - y_hat)).sum(-1)
            return _mean(-log_pi * pi_hat + self.config["prediction_coefficient"] * divergence, real)

    def _backwards(self, x: Tensor, keep: Tensor) -> Tensor:
        """Run the core over steps T-1 .. 0, forgetting where `keep` is 0: f32[T, W, I] -> f32[T, W, H]."""
        h = x.new_zeros(1, x.shape[1], self.config["hidden"])
        hs = []
        for t in reversed(range(len(x))):
            _, h = self.core(x[t : t + 1], h * keep[t][None, :, None])
            hs.append(h[0])
        return torch.stack(hs[::-1])

    def _embed(self, y: Tensor) -> Tensor:
        """Return phi of a prediction's logits: f32[T, W, Y] -> f32[T, W]."""
        return self.phi(self.config.get("embedding_gain", 1.0) * F.softmax(y, -1)).squeeze(-1)

    def _lifetime(self, like: Tensor, progress: float | None, lifetime: float | None) -> list[Tensor]:
        if not self.config["lifetime_conditioning"]:
            return []
        if progress is None or lifetime is None:
            raise GrooveError(
                f'the rule "{self.name}" is conditioned on the lifetime: give progress (0 at the beginning, 1 at the '
                "end) and lifetime (agent updates)."
            )
        if lifetime <= 0:
            raise GrooveError(
                f"lifetime = {lifetime} must be positive: give the number of agent updates of a lifetime."
            )
        return [torch.full_like(like, progress), torch.full_like(like, lifetime).log()]

    def _check(self, logits: Tensor, y: Tensor, next_y: Tensor, *others: Tensor) -> None:
        names = ("action", "reward", "terminated", "truncated", "mask")
        shape = others[1].shape
        if len(shape) != 2:
            raise GrooveError(f"reward is f32[T, W], not {tuple(shape)}.")
        if 0 in shape:
            raise GrooveError(f"the rollout holds no transition: reward has shape {tuple(shape)}.")
        for name, x in zip(names, others, strict=True):
            if x.shape != shape:
                raise GrooveError(f"{name} is [T, W] = {tuple(shape)} like reward, not {tuple(x.shape)}.")
        for name, x, width in (("y", y, self.prediction_width), ("next_y", next_y, self.prediction_width)):
            if x.shape != (*shape, width):
                raise GrooveError(f"{name} is f32[T, W, {width}], T, W = {tuple(shape)}, not {tuple(x.shape)}.")
        if logits.ndim != 3 or logits.shape[:2] != shape:
            raise GrooveError(f"logits is f32[T, W, A], T, W = {tuple(shape)}, not {tuple(logits.shape)}.")
        _check_actions(others[0], others[-1], logits.shape[-1])

    def _take(self, eta: Mapping[str, Any]) -> None:
        """Copy the arrays of the JAX network into this module."""

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
        hidden_bias[-self.config["hidden"] :] = tensor("~", "core_b_n")  # the bias of n, inside the reset gate
        own["core.bias_hh_l0"] = hidden_bias
        if self.pi_hat.bias is not None:
            own["pi_hat.bias"] = tensor("pi_hat", "b")
        try:
            self.load_state_dict(own)
        except RuntimeError as error:
            raise GrooveError(
                f'the arrays of "{self.name}" do not fit its configuration ({one_line(error)}): get the file again.'
            ) from error


def load(name: PathLike) -> Rule:
    """Load a learned rule; no code from files is run.

    Args:
      name: the name of a released rule, the directory of a run, or a rule file; "~" is the home folder.

    Raises:
      GrooveError: if there is no such rule, its file is damaged, or the rule is not an LPG rule.
    """
    eta, about = load_rule(path := find_rule_file(name))
    if about.get("rule") != "lpg" or "lpg" not in about:
        raise RuleFileError(f"{path} does not hold an LPG rule: make one with launch/meta_train.py.")
    return Rule(str(name), about["lpg"], eta)


def _action_log_prob(logits: Tensor, action: Tensor, real: Tensor) -> Tensor:
    """Return log pi(a_t|s_t), f32[T, W]; 0 in hidden rows, whose action may be no index of a logit."""
    index = torch.where(real, action.long(), 0)
    log_prob = F.log_softmax(logits, -1).gather(-1, index.unsqueeze(-1)).squeeze(-1)
    return torch.where(real, log_prob, 0.0)


def _mean(x: Tensor, real: Tensor) -> Tensor:
    """Return the mean of f32[T, W] over the rows that are not hidden."""
    return torch.where(real, x, 0.0).sum() / real.sum().clamp(min=1)


def _check_actions(action: Tensor, real: Tensor, num_actions: int) -> None:
    wanted = f"action must hold integers from 0 to {num_actions - 1}, the indices of the policy logits"
    if action.is_floating_point() or action.is_complex():
        raise GrooveError(f"{wanted}, not {action.dtype}: continuous and one-hot actions have no such index.")
    if torch.compiler.is_compiling():
        return  # the values are not known yet
    outside = action[real & ((action < 0) | (action >= num_actions))]
    if len(outside):
        raise GrooveError(
            f"{wanted}, not {int(outside[0])}: shift the actions to begin at 0, or hide padded rows by mask."
        )
