"""Takes a learned rule apart: python figures/analysis/rule_anatomy.py --rule groove --to docs/images/anatomy_groove.

The upper row asks the rule alone, by rollouts made up for the purpose: how far before a reward actions are credited,
what the end of an episode does, what predictions are worth. The lower row watches agents of networks that the rule has
trained on random gridworlds: whether their prediction y encodes the value of their states, measured on levels that the
read-out was not fitted on, and whether pi_hat is A2C's advantage. Writes a picture and its numbers (.png, .json).
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from absl import app, flags, logging
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import groove
from groove import ops
from groove.agents.agent import make_agent
from groove.envs.gridworld.dynamics import make_gridworld
from groove.lifetimes import lifetime
from groove.lpg.lpg import make_lpg
from groove.lpg.network import LPGInputs, make_lpg_network
from groove.training.config import NETWORK_AGENT
from groove.types import Rollout, Stream
from groove.utils import parallel
from groove.utils.plotting import BLUE, GREY, INK, ORANGE, save_picture

_RULE = flags.DEFINE_string("rule", "groove", "A released rule, a run or a rule file.")
_LEVELS = flags.DEFINE_integer("levels", 48, "Random gridworlds; the read-out is fitted on two thirds of them.")
_UPDATES = flags.DEFINE_integer("updates", 500, "Of every agent.")
_TO = flags.DEFINE_string("to", "rule_anatomy", "What is written, without its suffix.")

T, AT = 20, 12  # steps of a rollout; where something happens in it
HORIZON = 600  # steps over which returns are summed, the last 300 of which only pay
DISCOUNT = 0.99

Floats = npt.NDArray[np.float64]


class Probe:
    """The rule's network on rollouts of one worker: nothing happens but what is asked for."""

    def __init__(self, rule: groove.Rule) -> None:
        """Takes the network of a rule."""
        self.rule, self.width = rule, rule.prediction_width
        self._apply = jax.jit(make_lpg_network(rule.config).apply)

    def __call__(self, **changes: Any) -> Floats:
        """pi_hat, before any normalisation, at each of T steps: f64 [T].

        Args:
          **changes: fields of LPGInputs as functions of nothing but the step, f[T] or f[T, Y].
        """
        zero, uniform = np.zeros(T), np.full((T, self.width), 1 / self.width)
        inputs = {"reward": zero, "terminated": zero > 0, "truncated": zero > 0, "prob": zero + 0.2}
        inputs |= {"prediction": uniform, "next_prediction": uniform} | changes
        rows = {name: jnp.asarray(x, None if x.dtype == bool else jnp.float32)[:, None] for name, x in inputs.items()}
        half = jnp.full(1, 0.5)
        return np.asarray(
            self._apply(self.rule.eta, LPGInputs(**rows, progress=half, lifetime=500 * half)).pi_hat[:, 0]
        )

    def embedding(self) -> Floats:
        """phi of each one-hot prediction, f64 [Y]: what the core sees of a prediction."""
        phi = self.rule.eta
        hot = self.rule.config.embedding_gain * np.eye(self.width)
        hidden = np.maximum(hot @ phi["phi/~/linear_0"]["w"] + phi["phi/~/linear_0"]["b"], 0)
        return (hidden @ phi["phi/~/linear_1"]["w"] + phi["phi/~/linear_1"]["b"])[:, 0]


def impulse(value: float) -> Floats:
    """Zero everywhere but at step AT."""
    return np.where(np.arange(T) == AT, value, 0.0)


def draw_credit(axes: Axes, probe: Probe) -> dict[str, Any]:
    """How far before a reward actions are credited for it, as a share of the last action's credit for reward 1."""
    none = probe()
    unit = (probe(reward=impulse(1.0)) - none)[AT]
    lags, found = np.arange(AT + 1), {}
    for reward, colour in ((1.0, BLUE), (0.3, "#56B4E9"), (-1.0, ORANGE)):
        found[str(reward)] = credit = (probe(reward=impulse(reward)) - none)[AT::-1] / unit
        axes.plot(lags, credit, "o-", color=colour, ms=3, label=f"reward {reward:g}")
    axes.plot(lags, DISCOUNT**lags, color=GREY, ls="--", lw=1, label="0.99 to the lag")
    axes.axhline(0, color=GREY, lw=0.6)
    axes.set(title="Credit of the actions before a reward", xlabel="lag, steps", ylabel="change of pi_hat")
    return {name: values.tolist() for name, values in found.items()}


def draw_end(axes: Axes, probe: Probe) -> dict[str, Any]:
    """pi_hat around the end of an episode, where every step pays, and where none does."""
    steps, found = np.arange(T) - AT, {}
    for reward, colour in ((1.0, BLUE), (0.0, GREY), (-1.0, ORANGE)):
        pays = np.full(T, reward)
        found[str(reward)] = pi_hat = probe(reward=pays, terminated=impulse(1.0) > 0)
        axes.plot(steps, pi_hat, "o-", color=colour, ms=3, label=f"every step pays {reward:g}")
    axes.axvline(0, color=INK, lw=0.8, ls=":")
    axes.set(title="Around the end of an episode", xlabel="steps after it", ylabel="pi_hat")
    return {name: values.tolist() for name, values in found.items()}


def draw_predictions(axes: Axes, probe: Probe) -> dict[str, Any]:
    """pi_hat of a step by what is predicted at its state, and at the next, between the extremes of phi."""
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
    """pi_hat of a step whose next state has this prediction."""
    return float(probe(next_prediction=np.where((np.arange(T) == AT)[:, None], y, 1 / probe.width))[AT])


class Seen(NamedTuple):
    """What trained agents went through, by level: [levels, T', W], T' the steps whose returns are known."""

    state: npt.NDArray[np.int64]  # a number of each state of a level
    y: Floats  # [..., Y]: the agent's prediction
    value: Floats  # discounted return from there on


def watch(rule: groove.Rule, eta: Any) -> Seen:
    """Trains an agent a level under the rule with these parameters, and lets it act for long."""
    env = make_gridworld(observation="features")
    lpg = make_lpg(rule.config)
    agent = make_agent(env.observation, lpg.heads(env.num_actions), NETWORK_AGENT)
    count = _LEVELS.value
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(jax.random.key(0xA7A), count))
    keys = jax.random.split(jax.random.key(1), count)

    @jax.jit
    def live() -> tuple[Rollout, jax.Array]:
        length = jnp.int32(_UPDATES.value)
        born = jax.vmap(lambda lv, k: lifetime.begin(env, agent, lv, length, k, 16))(levels, keys)
        lives, _ = lifetime.live(env, agent, lpg, eta, born, levels, T, _UPDATES.value)
        _, rollout, _ = lifetime.collect(env, agent, lives, levels, HORIZON, Stream.VALIDATE)
        return rollout, jax.vmap(lambda p, o: agent.read(p, o, ("y",))[1]["y"])(lives.learner.params, rollout.obs)

    rollout, y = live()
    zero = jnp.zeros_like(rollout.reward)
    returns = jax.vmap(lambda r, z, d, c: ops.generalised_advantage(r, z, z, d, c, DISCOUNT, 1.0))
    value = returns(rollout.reward, zero, rollout.terminated, rollout.truncated)
    obs = np.asarray(rollout.obs)
    state = obs[..., 0] + 100 * ((obs[..., 1:] >= 0) << np.arange(obs.shape[-1] - 1)).sum(-1)
    known = slice(0, HORIZON // 2)
    return Seen(state[:, known], np.asarray(jax.nn.softmax(y))[:, known], np.asarray(value)[:, known])


def state_values(seen: Seen, least: int = 20) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Of states visited often enough: y [n, Y], mean return [n], and which level [n]."""
    rows: list[tuple[Floats, float, int]] = []
    for level, (state, y, value) in enumerate(zip(*seen, strict=True)):
        names, where, counts = np.unique(state, return_inverse=True, return_counts=True)
        where = where.reshape(state.shape)
        total = np.bincount(where.ravel(), value.ravel(), len(names)) / counts
        first = np.unique(where.ravel(), return_index=True)[1]
        flat = y.reshape(-1, y.shape[-1])
        rows += [(flat[first[i]], total[i], level) for i in range(len(names)) if counts[i] >= least]
    ys, values, levels = zip(*rows, strict=True)
    return np.asarray(ys), np.asarray(values), np.asarray(levels)


def read_out(seen: Seen) -> tuple[Floats, Floats, float]:
    """A linear read-out of y, fitted on two thirds of the levels: predictions and values on the rest, and R^2 there."""
    y, value, level = state_values(seen)
    features = np.concatenate([y, np.ones((len(y), 1))], axis=1)
    fitted = level < 2 * _LEVELS.value // 3
    weights, *_ = np.linalg.lstsq(features[fitted], value[fitted], rcond=None)
    predicted, true = features[~fitted] @ weights, value[~fitted]
    return predicted, true, 1 - float(np.var(true - predicted) / np.var(true))


def draw_values(axes: Axes, name: str, seen: Seen) -> float:
    """True values of states against a linear read-out of what agents predict there."""
    predicted, true, r2 = read_out(seen)
    axes.plot(predicted, true, ".", color=BLUE, ms=2, alpha=0.4)
    ends = [min(predicted.min(), true.min()), max(predicted.max(), true.max())]
    axes.plot(ends, ends, color=GREY, lw=0.8, ls="--")
    axes.set(title=f"{name}: R² = {r2:.2f}", xlabel="linear read-out of y", ylabel="mean discounted return")
    return r2


def main(argv: list[str]) -> None:
    """Draws the rule."""
    del argv
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(1)
    rule = groove.load(_RULE.value)
    probe = Probe(rule)
    figure = Figure(figsize=(11.5, 6.4), dpi=130, layout="constrained")
    upper, lower = figure.subplots(2, 3)
    numbers: dict[str, Any] = {
        "rule": rule.name,
        "credit": draw_credit(upper[0], probe),
        "end": draw_end(upper[1], probe),
        "predictions": draw_predictions(upper[2], probe),
    }
    untrained = jax.device_get(make_lpg(rule.config).init(jax.random.key(0)))
    numbers["value_r2"] = {
        "rule": draw_values(lower[0], f"y under {rule.name}", watch(rule, rule.eta)),
        "untrained": draw_values(lower[1], "y under the untrained rule", watch(rule, untrained)),
    }
    numbers["pi_hat_against_return"] = draw_probabilities(lower[2], probe)
    between = {upper[1]: (0.02, 0.5), lower[2]: (0.02, 0.55)}  # where no curve runs
    for axes in [*upper, *lower]:
        axes.set_title(axes.get_title(), fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8, colors=INK)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False, loc=between.get(axes, "best"))
    path = Path(_TO.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(figure, path.with_suffix(".png"))
    path.with_suffix(".json").write_text(json.dumps(numbers) + "\n")


def draw_probabilities(axes: Axes, probe: Probe) -> dict[str, Any]:
    """pi_hat of an action by its probability, where nothing else happens, and where it is rewarded."""
    probabilities, found = np.linspace(0.02, 0.98, 13), {}
    for reward, colour in ((0.0, GREY), (1.0, BLUE), (-1.0, ORANGE)):
        values = [probe(prob=np.where(np.arange(T) == AT, p, 0.2), reward=impulse(reward))[AT] for p in probabilities]
        found[str(reward)] = values = [float(v) for v in values]
        axes.plot(probabilities, values, "o-", color=colour, ms=3, label=f"reward {reward:g}")
    axes.set(title="Likely and unlikely actions", xlabel="pi(a|s)", ylabel="pi_hat of the step")
    return found


if __name__ == "__main__":
    app.run(main)
