"""Questions to a rule's network alone, by artificial rollouts: credit before a reward, episode ends, predictions.

Library of rule_anatomy.py. Each `draw_*` function draws one panel and returns its numbers.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

import groove
from groove.lpg.network import LPGInputs, make_lpg_network
from groove.utils.plotting import BLUE, GREY, INK, ORANGE, PALETTE

T, AT = 20, 12  # steps of a rollout; the step at which something happens
DISCOUNT = 0.99
LIGHT_BLUE = PALETTE[5]

Floats = npt.NDArray[np.float64]


class Probe:
    """The network of a rule, asked about rollouts of one worker that hold only the given events."""

    def __init__(self, rule: groove.Rule) -> None:
        """Compile the network of a rule."""
        self.rule, self.width = rule, rule.prediction_width
        self._apply = jax.jit(make_lpg_network(rule.config).apply)

    def __call__(self, **changes: Any) -> Floats:
        """Return pi_hat before normalisation at each of T steps: f64[T].

        Args:
          **changes: fields of LPGInputs that are not constant, f[T] or f[T, Y]. By default rewards and episode ends are
            zero, the action's probability is 0.2, and predictions are uniform.
        """
        zero, uniform = np.zeros(T), np.full((T, self.width), 1 / self.width)
        inputs = {"reward": zero, "terminated": zero > 0, "truncated": zero > 0, "prob": zero + 0.2}
        inputs |= {"prediction": uniform, "next_prediction": uniform} | changes
        rows: dict[str, Any] = {
            name: jnp.asarray(x, None if x.dtype == bool else jnp.float32)[:, None] for name, x in inputs.items()
        }
        half = jnp.full(1, 0.5)
        return np.asarray(
            self._apply(self.rule.eta, LPGInputs(**rows, progress=half, lifetime=500 * half)).pi_hat[:, 0]
        )

    def embedding(self) -> Floats:
        """Return the embedding phi of each one-hot prediction, f64[Y]: the core's input from a prediction."""
        phi = self.rule.eta
        hot = self.rule.config.embedding_gain * np.eye(self.width)
        hidden = np.maximum(hot @ phi["phi/~/linear_0"]["w"] + phi["phi/~/linear_0"]["b"], 0)
        return (hidden @ phi["phi/~/linear_1"]["w"] + phi["phi/~/linear_1"]["b"])[:, 0]


def impulse(value: float) -> Floats:
    """Return `value` at step AT and zero elsewhere: f64[T]."""
    return np.where(np.arange(T) == AT, value, 0.0)


def draw_credit(axes: Axes, probe: Probe) -> dict[str, Any]:
    """Draw the credit of the actions before a reward, as a share of the last action's credit for a reward of 1."""
    none = probe()
    unit = (probe(reward=impulse(1.0)) - none)[AT]
    lags, credits = np.arange(AT + 1), {}
    for reward, colour in ((1.0, BLUE), (0.3, LIGHT_BLUE), (-1.0, ORANGE)):
        credits[str(reward)] = credit = (probe(reward=impulse(reward)) - none)[AT::-1] / unit
        axes.plot(lags, credit, "o-", color=colour, ms=3, label=f"reward {reward:g}")
    axes.plot(lags, DISCOUNT**lags, color=GREY, ls="--", lw=1, label="0.99 to the lag")
    axes.axhline(0, color=GREY, lw=0.6)
    axes.set(title="Credit of the actions before a reward", xlabel="lag, steps", ylabel="change of pi_hat")
    return {name: values.tolist() for name, values in credits.items()}


def draw_end(axes: Axes, probe: Probe) -> dict[str, Any]:
    """Draw pi_hat around the end of an episode whose steps all have the same reward."""
    steps, curves = np.arange(T) - AT, {}
    for reward, colour in ((1.0, BLUE), (0.0, GREY), (-1.0, ORANGE)):
        curves[str(reward)] = pi_hat = probe(reward=np.full(T, reward), terminated=impulse(1.0) > 0)
        axes.plot(steps, pi_hat, "o-", color=colour, ms=3, label=f"every step pays {reward:g}")
    axes.axvline(0, color=INK, lw=0.8, ls=":")
    axes.set(title="Around the end of an episode", xlabel="steps after it", ylabel="pi_hat")
    return {name: values.tolist() for name, values in curves.items()}


def draw_predictions(axes: Axes, probe: Probe) -> dict[str, Any]:
    """Draw pi_hat of a step against the predictions at its state and at the next, between the extremes of phi."""
    order = np.argsort(probe.embedding())
    low, high = np.eye(probe.width)[order[0]], np.eye(probe.width)[order[-1]]
    if worth(probe, low) > worth(probe, high):
        low, high = high, low
    share = np.linspace(0, 1, 11)
    here, after = [], []
    for x in share:
        y = np.where((np.arange(T) == AT)[:, None], (1 - x) * low + x * high, 1 / probe.width)
        here.append(probe(prediction=y)[AT])
        after.append(probe(next_prediction=y)[AT])
    here, after = np.subtract(here, here[5]), np.subtract(after, after[5])
    axes.plot(share, here, "o-", color=ORANGE, ms=3, label="y of the state")
    axes.plot(share, after, "o-", color=BLUE, ms=3, label="y of the next state")
    unit = (probe(reward=impulse(1.0)) - probe())[AT]
    axes.set(
        title="What predictions are worth",
        xlabel="y, from the worst for a successor to the best",
        ylabel="change of pi_hat",
    )
    note = f"a reward of 1 is worth {unit:.2f}"
    axes.text(0.98, 0.03, note, transform=axes.transAxes, ha="right", fontsize=7, color=INK)
    return {"state": here.tolist(), "next": after.tolist(), "reward": float(unit)}


def worth(probe: Probe, y: Floats) -> float:
    """Return pi_hat of a step whose next state has the prediction `y`, f64[Y]."""
    return float(probe(next_prediction=np.where((np.arange(T) == AT)[:, None], y, 1 / probe.width))[AT])


def draw_probabilities(axes: Axes, probe: Probe) -> dict[str, Any]:
    """Draw pi_hat of an action against its probability, for three rewards."""
    probabilities, curves = np.linspace(0.02, 0.98, 13), {}
    for reward, colour in ((0.0, GREY), (1.0, BLUE), (-1.0, ORANGE)):
        values = [probe(prob=np.where(np.arange(T) == AT, p, 0.2), reward=impulse(reward))[AT] for p in probabilities]
        curves[str(reward)] = values = [float(v) for v in values]
        axes.plot(probabilities, values, "o-", color=colour, ms=3, label=f"reward {reward:g}")
    axes.set(title="Likely and unlikely actions", xlabel="pi(a|s)", ylabel="pi_hat of the step")
    return curves
