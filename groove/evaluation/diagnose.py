"""Where a rule falls short of A2C: random gridworlds by their features, and the worst of them as a set to train on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh

from groove.dropin.find import NamedRule
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.level_file import LevelSet
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.evaluation.meta_test import agent_keys, make_curves
from groove.evaluation.suites import Budget, Task
from groove.lifetimes.learning_curves import Report
from groove.utils.plotting import INK, new_figure, save_picture

_KEY = 0xD1A6
PAIRS = (  # of features, as rows and columns of one heat map
    ("size", "max_steps"),
    ("wall_share", "nearest_positive"),
    ("mean_respawn", "max_steps"),
    ("positive_objects", "nearest_positive"),
)
LABELS = {
    "size": "grid side",
    "max_steps": "episode length (steps)",
    "wall_share": "share of walls",
    "nearest_positive": "steps to the nearest reward",
    "mean_respawn": "respawn probability",
    "positive_objects": "objects with positive reward",
}
BINS = 4
FEWEST = 5  # levels of a cell, below which its mean is not shown

Floats = npt.NDArray[np.float64]


class Bins(NamedTuple):
    """Ranges of a feature, ends included: f64[bins] each."""

    low: Floats
    high: Floats

    def labels(self) -> list[str]:
        """Each range in words."""
        return [f"{a:.3g}" if a == b else f"{a:.3g} .. {b:.3g}" for a, b in zip(self.low, self.high, strict=True)]


@dataclass(frozen=True)
class Diagnosis:
    """One rule beside A2C on many random levels.

    Attributes:
      levels: GridLevel [n], NumPy.
      features: name -> f64[n], NaN where undefined.
      rule, a2c: f64[n], mean return at the end of life over seeds.
      name: of the rule.
      budget: what was spent on each level.
      seeds: agents of each on every level.
    """

    levels: Any
    features: Mapping[str, Floats]
    rule: Floats
    a2c: Floats
    name: str
    budget: Budget
    seeds: int

    @property
    def shortfall(self) -> Floats:
        """A2C's return less the rule's, f64[n]: algorithmic regret."""
        return self.a2c - self.rule

    def worst(self, count: int) -> LevelSet:
        """The levels of the largest shortfall, worst first."""
        about = {"diagnosed": self.name, "seeds": self.seeds, "updates": self.budget.updates}
        whole = LevelSet(self.levels, GridSizes(), self.shortfall.astype(np.float32), about)
        return whole.take(np.argsort(-self.shortfall, kind="stable")[:count])


def diagnose(
    rule: NamedRule, a2c: NamedRule, task: Task, budget: Budget, seeds: int, mesh: Mesh, reports: Sequence[Report]
) -> Diagnosis:
    """Trains agents under both rules on the same random levels, with the same keys.

    Args:
      rule, a2c: the rule and its reference.
      task: whose agents are used.
      budget: its `levels` says on how many.
      seeds: agents of each on every level.
      mesh: of devices.
      reports: two, told how many agents of the rule and of A2C are done.
    """
    env = make_gridworld(GridSizes(), LevelDistribution(min_lifetime=budget.updates, max_lifetime=budget.updates))
    key = jax.random.key(_KEY)
    levels = jax.jit(jax.vmap(env.sample_level))(jax.random.split(key, budget.levels))
    agents = [(level, seed) for level in range(budget.levels) for seed in range(seeds)]
    keys = agent_keys(jax.random.fold_in(key, 1), agents)
    chosen = jax.tree.map(lambda x: x[jnp.asarray([level for level, _ in agents])], levels)
    returns = []
    for one, report in zip((rule, a2c), reports, strict=True):
        curves = make_curves(env, one, task, budget, mesh)
        final = curves(one.eta, chosen, keys, (budget.updates,), report)[:, -1]
        returns.append(final.reshape(budget.levels, seeds).mean(1).astype(np.float64))
    assert env.describe is not None
    features = {name: np.asarray(x, np.float64) for name, x in jax.jit(jax.vmap(env.describe))(levels).items()}
    of_rule, of_a2c = returns
    return Diagnosis(jax.tree.map(np.asarray, levels), features, of_rule, of_a2c, rule.name, budget, seeds)


def draw_diagnosis(found: Diagnosis, path: Path) -> None:
    """A heat map for each pair of features: A2C's mean return less the rule's, and how many levels that is of."""
    figure = new_figure(13.0, 9.2, dpi=110, pad=0.12)
    grids = [heat_map(found, *pair) for pair in PAIRS]
    limit = max(float(np.nanmax(np.abs(mean))) for mean, *_ in grids)
    for axes, pair, (mean, count, *bins) in zip(figure.subplots(2, 2).ravel(), PAIRS, grids, strict=True):
        image = axes.imshow(mean, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", origin="lower")
        for (i, j), n in np.ndenumerate(count):
            shown = f"{mean[i, j]:+.2f}\nn = {n}" if np.isfinite(mean[i, j]) else f"n = {n}"
            dark = abs(np.nan_to_num(mean[i, j])) > 0.6 * limit
            axes.text(j, i, shown, ha="center", va="center", fontsize=9, color="white" if dark else INK)
        for axis, name, ranges in zip((axes.yaxis, axes.xaxis), pair, bins, strict=True):
            axis.set_ticks(range(len(ranges.low)), ranges.labels())
            axis.set_label_text(LABELS[name], color=INK)
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="A2C's return less the rule's: red, the rule falls short")
    ratio = found.rule.mean() / found.a2c.mean()
    figure.suptitle(
        f"{found.name} beside A2C on {len(found.rule)} random levels, {found.seeds} seed(s) of "
        f"{found.budget.updates} updates: {ratio:.2f} of A2C's return; behind on {np.mean(found.shortfall > 0):.0%} of "
        f"levels.\nMeans of cells with fewer than {FEWEST} levels are not shown.",
        fontsize=11,
        color=INK,
        x=0.01,
        ha="left",
    )
    save_picture(figure, path)


def heat_map(found: Diagnosis, row: str, column: str) -> tuple[Floats, npt.NDArray[np.int64], Bins, Bins]:
    """Mean shortfall, NaN for few levels, and count, [rows, columns], by bins of two features; and those bins.

    Levels where either feature is undefined are in no cell.
    """
    a, b = found.features[row], found.features[column]
    bins = [_bins(x) for x in (a, b)]
    known = np.isfinite(a) & np.isfinite(b)
    place = [np.searchsorted(low, x[known], "right") - 1 for (low, _), x in zip(bins, (a, b), strict=True)]
    shape = (len(bins[0].low), len(bins[1].low))
    flat = np.ravel_multi_index(place, shape)
    count = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(flat, found.shortfall[known], minlength=count.size).reshape(shape)
    mean = np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
    return mean, count, bins[0], bins[1]


def _bins(values: Floats) -> Bins:
    """Ranges of values with about equally many levels each; of few different values, one range each."""
    finite = np.sort(values[np.isfinite(values)])
    different = np.unique(finite)
    low = (
        different
        if len(different) <= BINS + 1
        else np.unique(np.quantile(finite, np.arange(BINS) / BINS, method="higher"))
    )
    last = np.append(np.searchsorted(finite, low[1:]), len(finite)) - 1
    return Bins(low, finite[last])
