"""The network of a rule in PyTorch: from what an agent lived through to targets."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from groove.torch.controls import ControlLayer
from groove.torch.functions import discounted_sum, mean, normalised, normalised_entropy, std, symlog
from groove.torch.inputs import Experience, check_device
from groove.utils.errors import GrooveError
from groove.utils.io import one_line

_EARLIER = {
    "base": "none",
    "value_head": False,
    "embedding_gain": 1.0,
    "controls": False,
}  # settings that old rule files lack


class RuleNetwork(nn.Module):
    """The network of groove.lpg.network around a GRU, one layer or none; its parameters are frozen."""

    def __init__(self, name: str, config: Mapping[str, Any], eta: Mapping[str, Any]) -> None:
        """Take over the parameters of a rule file.

        Raises:
          GrooveError: on another core, or parameters of another shape than the configuration says.
        """
        super().__init__()
        cores = {"gru": nn.GRU, "mlp": nn.Linear, "linear": nn.Identity, "none": nn.Identity}
        if config["core"] not in cores:
            known = ", ".join(cores)
            raise GrooveError(f'"{name}" has a core "{config["core"]}"; groove.torch loads rules with one of {known}.')
        self.name, self.config = name, {**_EARLIER, **config}
        self.has_base = self.config["base"] != "none"
        self.sees_values = self.has_base or self.config["value_head"]
        self.sets_controls = bool(self.config["controls"])
        self.scales_rewards = bool(self.sees_values and self.config["scale_rewards"])
        self.has_state = self.scales_rewards or self.sets_controls
        self.predicts = config["core"] != "none"
        self.prediction_width: int = config["prediction_width"] if self.predicts else 0
        try:
            with torch.device("meta"):  # nothing is allocated before the shapes have been compared
                if self.sets_controls:
                    self.controls = ControlLayer()
                if self.predicts:
                    self._declare(cores[config["core"]])
            self._take(eta)
        except (RuntimeError, LookupError, TypeError) as error:
            raise GrooveError(
                f'the arrays of "{name}" do not fit its configuration ({one_line(error)}): get the file again.'
            ) from error
        self.requires_grad_(False)

    def _declare(self, core: Any) -> None:
        """Declare the layers from the inputs of single transitions to targets."""
        config = self.config
        width, hidden = config["prediction_width"], config["hidden"]
        inputs = 6 + 6 * self.sees_values + 2 * config["lifetime_conditioning"]
        embedding = config["embedding_width"]
        self.phi = nn.Sequential(nn.Linear(width, embedding), nn.ReLU(), nn.Linear(embedding, 1))
        self.core = core(inputs, hidden)
        outputs = inputs if config["core"] == "linear" else hidden
        if self.has_base:
            self.residual = nn.Linear(outputs, 2)
        else:
            self.pi_hat = nn.Linear(outputs, 1, bias=not config["normalise"])
        self.y_hat = nn.Linear(outputs, width)

    def forward(
        self, lived: Experience, prob: Tensor, heads: Mapping[str, Tensor], after: Mapping[str, Tensor], *told: Tensor
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return pi_hat f32[T, W], y_hat f32[T, W, Y] as in groove.lpg.network, and the targets of the value.

        There is no y_hat if agents have no prediction head.

        Args:
          lived: rewards are scaled if the rule scales rewards.
          prob: f32[T, W], pi(a_t|s_t).
          heads: outputs of the agent at the observations.
          after: "y" and, for rules that see values, "value" at the true successors.
          *told: progress and the logarithm of the lifetime, f32[T, W], for rules that read them.
        """
        check_device(next(self.parameters()), lived.reward)
        ended = lived.terminated.float()
        values, advantage, target = self._values(lived, heads, after) if self.sees_values else ([], None, None)
        if advantage is not None and not self.predicts:
            return advantage, None, target
        features = [
            symlog(lived.reward) if self.sees_values else lived.reward,
            ended,
            torch.full_like(ended, self.config["discount"]),
            prob,
            self._embed(heads["y"]),
            self._embed(after["y"]) * (1 - ended),
            *values,
            *told,
        ]
        hidden = self._hidden(torch.stack(features, -1), lived)
        if advantage is not None and self.has_base:
            gain, bias = self.residual(hidden).unbind(-1)
            return advantage + gain.tanh() * advantage + bias.tanh(), self.y_hat(hidden), target
        pi_hat = self.pi_hat(hidden).squeeze(-1)
        if self.config["normalise"]:
            pi_hat = normalised(pi_hat, lived.real)
        return pi_hat, F.log_softmax(self.y_hat(hidden), -1), target

    def _values(
        self, lived: Experience, heads: Mapping[str, Tensor], after: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return the inputs of rules that see values, the advantages, and the targets of the value."""
        discount, value, logits = self.config["discount"], heads["value"], heads["logits"]
        next_value = torch.where(lived.terminated, 0.0, after["value"])
        td_error = lived.reward + discount * next_value - value
        decay = discount * self.config["trace"] * (1 - (lived.terminated | lived.truncated).float())
        raw = advantage = discounted_sum(td_error, decay)
        spread = std(raw, lived.real)
        if self.config["normalise"]:
            advantage = (raw - mean(raw, lived.real)) / (spread + 1e-8)
        numbers = [value, next_value, td_error, advantage, spread.expand_as(raw)]
        return [*map(symlog, numbers), normalised_entropy(logits)], advantage, value + raw

    def _hidden(self, x: Tensor, lived: Experience) -> Tensor:
        """Run the core over all steps, f32[T, W, I] -> f32[T, W, H]: a GRU over T-1 .. 0, forgetting at every end."""
        if isinstance(self.core, nn.Identity):
            return x
        if isinstance(self.core, nn.Linear):
            return F.relu(self.core(x))
        keep = 1 - (lived.terminated | lived.truncated).float()
        h = x.new_zeros(1, x.shape[1], self.config["hidden"])
        hs = []
        for t in reversed(range(len(x))):
            _, h = self.core(x[t : t + 1], h * keep[t][None, :, None])
            hs.append(h[0])
        return F.relu(torch.stack(hs[::-1]))

    def _embed(self, y: Tensor) -> Tensor:
        """Return phi of a prediction's logits: f32[T, W, Y] -> f32[T, W]."""
        return self.phi(self.config["embedding_gain"] * F.softmax(y, -1)).squeeze(-1)

    def _take(self, eta: Mapping[str, Any]) -> None:
        """Copy the arrays of the JAX network into this module."""

        def tensor(group: str, name: str) -> Tensor:
            values = torch.tensor(eta[group][name])
            if values.dtype != torch.float32:
                raise TypeError(f"{group}/{name} is {values.dtype}, not torch.float32")
            return values

        own: dict[str, Tensor] = {}
        if self.sets_controls:
            own |= {"controls.weight": tensor("controls", "w").T, "controls.bias": tensor("controls", "b")}
        if self.predicts:
            own |= self._targets_of(tensor)
        self.load_state_dict({name: values.contiguous() for name, values in own.items()}, assign=True)

    def _targets_of(self, tensor: Callable[[str, str], Tensor]) -> dict[str, Tensor]:
        """Return the parameters of the layers of `_declare` by their names in this module."""
        own = {
            "phi.0.weight": tensor("phi/~/linear_0", "w").T,
            "phi.0.bias": tensor("phi/~/linear_0", "b"),
            "phi.2.weight": tensor("phi/~/linear_1", "w").T,
            "phi.2.bias": tensor("phi/~/linear_1", "b"),
            "y_hat.weight": tensor("y_hat", "w").T,
            "y_hat.bias": tensor("y_hat", "b"),
        }
        if isinstance(self.core, nn.Linear):
            own |= {"core.weight": tensor("~", "core_w_i").T, "core.bias": tensor("~", "core_b")}
        elif isinstance(self.core, nn.GRU):
            w_i, b = tensor("~", "core_w_i").T, tensor("~", "core_b")
            hidden_bias = torch.zeros_like(b)
            hidden_bias[-self.config["hidden"] :] = tensor("~", "core_b_n")  # the bias of n, inside the reset gate
            own |= {"core.weight_ih_l0": w_i, "core.bias_ih_l0": b}
            own |= {"core.weight_hh_l0": tensor("~", "core_w_h").T, "core.bias_hh_l0": hidden_bias}
        output = "residual" if self.has_base else "pi_hat"
        own |= {f"{output}.weight": tensor(output, "w").T}
        if self.has_base or not self.config["normalise"]:
            own |= {f"{output}.bias": tensor(output, "b")}
        return own
