"""Where a rule falls short of A2C: random gridworlds by their features, and the worst of them as a set to train on."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from groove.agent import make_agent
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridSizes, LevelDistribution
from groove.evaluate import LearningCurves, Report
from groove.level_file import LevelSet
from groove.meta_test import agent_keys
from groove.report import INK
from groove.rules import NamedRule
from groove.run_dir import write_atomically
from groove.suites import Budget, Task

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
        curves = _curves(env, one, task, budget, mesh)
        final = curves(one.eta, chosen, keys, (budget.updates,), report)[:, -1]
        returns.append(final.reshape(budget.levels, seeds).mean(1).astype(np.float64))
    assert env.describe is not None
    features = {name: np.asarray(x, np.float64) for name, x in jax.jit(jax.vmap(env.describe))(levels).items()}
    of_rule, of_a2c = returns
    return Diagnosis(jax.tree.map(np.asarray, levels), features, of_rule, of_a2c, rule.name, budget, seeds)


def draw_diagnosis(found: Diagnosis, path: Path) -> None:
    """A heat map for each pair of features: A2C's mean return less the rule's, and how many levels that is of."""
    figure = Figure(figsize=(13.0, 9.2), dpi=110)
    figure.set_layout_engine("constrained", h_pad=0.12, w_pad=0.12)
    grids = [heat_map(found, *pair) for pair in PAIRS]
    limit = max(float(np.nanmax(np.abs(mean))) for mean, *_ in grids)
    for axes, pair, (mean, count, *edges) in zip(figure.subplots(2, 2).ravel(), PAIRS, grids, strict=True):
        image = axes.imshow(mean, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", origin="lower")
        for (i, j), n in np.ndenumerate(count):
            shown = f"{mean[i, j]:+.2f}\nn = {n}" if np.isfinite(mean[i, j]) else f"n = {n}"
            dark = abs(np.nan_to_num(mean[i, j])) > 0.6 * limit
            axes.text(j, i, shown, ha="center", va="center", fontsize=9, color="white" if dark else INK)
        for axis, name, edge in zip((axes.yaxis, axes.xaxis), pair, edges, strict=True):
            axis.set_ticks(range(len(edge) - 1), [_range(a, b) for a, b in pairwise(edge)])
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
    picture = io.BytesIO()
    FigureCanvasAgg(figure).print_png(picture)
    write_atomically(path, picture.getvalue())


def heat_map(found: Diagnosis, row: str, column: str) -> tuple[Floats, npt.NDArray[np.int64], Floats, Floats]:
    """Mean shortfall, NaN for few levels, and count, [rows, columns], by quantiles of two features; and their edges.

    Levels where either feature is undefined are in no cell.
    """
    a, b = found.features[row], found.features[column]
    edges = [_edges(x) for x in (a, b)]
    known = np.isfinite(a) & np.isfinite(b)
    place = [np.clip(np.searchsorted(e, x[known], "right") - 1, 0, len(e) - 2) for e, x in zip(edges, (a, b))]
    shape = tuple(len(e) - 1 for e in edges)
    flat = np.ravel_multi_index(place, shape)
    count = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
    total = np.bincount(flat, found.shortfall[known], minlength=count.size).reshape(shape)
    mean = np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan)
    return mean, count, edges[0], edges[1]


def _edges(values: Floats) -> Floats:
    """Ends of bins with about equally many levels each."""
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, BINS + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1])


def _range(low: float, high: float) -> str:
    return f"{low:.3g} .. {high:.3g}"


def _curves(env: EnvFamily, rule: NamedRule, task: Task, budget: Budget, mesh: Mesh) -> LearningCurves:
    agent = make_agent(env.observation, rule.rule.heads(env.num_actions), task.agent_for(rule.rule.name))
    return LearningCurves(
        env,
        rule.rule,
        agent,
        mesh,
        workers=budget.workers,
        steps=budget.steps,
        episodes=budget.episodes,
        batch=task.batch,
    )
