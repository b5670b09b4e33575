"""Compares curricula: python figures/analysis/compare_curricula.py --runs runs/compare --to docs/comparison.

Meta-trains every curriculum with every seed for equally many meta-steps. Runs that are finished are not repeated, one
that was cut off is resumed. Writes a table, a picture and the numbers (.md, .png, .json).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.plan import Plan, carry_out
from figures.pipeline.steps import MetaTraining
from groove.utils.bootstrap import Interval, ratio_over_runs
from groove.utils.plotting import save_picture

_CURRICULA = flags.DEFINE_multi_string(
    "curriculum", ["ar", "dr", "pvl", "optimal", "handcrafted"], "Which; may be repeated."
)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Meta-seeds of each.")
_STEPS = flags.DEFINE_integer("steps", 200, "Meta-steps of each run.")
_CONFIG = flags.DEFINE_string("config", "laptop", "The preset.")
_RUNS = flags.DEFINE_string("runs", "runs/compare", "Where the runs' directories are.")
_JOBS = flags.DEFINE_integer("jobs", 2, "Runs side by side.")
_TO = flags.DEFINE_string("to", "docs/comparison", "What is written, without its suffix.")
_DRAW_ONLY = flags.DEFINE_bool("draw_only", False, "Redraws from the .json that is there.")


def trained(curricula: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Runs by curriculum, with the returns of their last validation, f32[levels] by rule."""
    overrides = (f"run.steps={_STEPS.value}", "validation.every=0")
    # seed by seed, so that what is cut short is a comparison all the same
    steps = [
        MetaTraining(name, name, seed, _CONFIG.value, overrides) for seed in range(_SEEDS.value) for name in curricula
    ]
    folder = Path(_RUNS.value)
    carry_out(Plan((tuple(steps),), ()), folder, folder, _JOBS.value)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in curricula}
    for step in steps:
        summary = json.loads((folder / step.name / "summary.json").read_text())
        returns = json.loads((folder / step.name / "validation.json").read_text())["returns"]
        run = {"seed": step.seed, "env_steps": summary["env_steps"], "seconds": summary["seconds"], "returns": returns}
        runs[step.label].append(run)
    return runs


def compared(runs: dict[str, list[dict[str, Any]]], which: str) -> dict[str, Interval]:
    """A2C-normalised return on unseen levels, over seeds and levels, of each curriculum."""
    return {
        name: ratio_over_runs([(r["returns"][which], r["returns"]["a2c"]) for r in rows], np.random.default_rng(0))
        for name, rows in runs.items()
    }


def lead(runs: dict[str, list[dict[str, Any]]], name: str) -> Interval:
    """How far the first curriculum is ahead of another, as a share of A2C's return, paired by seed and level."""
    first = runs[next(iter(runs))]
    pairs = [
        (np.subtract(a["returns"]["student"], b["returns"]["student"]), b["returns"]["a2c"])
        for a, b in zip(first, runs[name], strict=True)
    ]
    return ratio_over_runs(pairs, np.random.default_rng(0))


def table(runs: dict[str, list[dict[str, Any]]]) -> str:
    """A Markdown table, a line a curriculum."""
    first = next(iter(runs))
    lines = [
        f"| curriculum | of A2C's return on unseen levels | each seed | `{first}` is ahead by, paired | "
        "students' environment steps a run |",
        "|---|---|---|---|---|",
    ]
    for name, value in compared(runs, "student").items():
        ahead = lead(runs, name)
        paired = "" if name == first else f"{ahead.value:.3f} [{ahead.low:.3f}, {ahead.high:.3f}]"
        seeds = ", ".join(f"{np.mean(r['returns']['student']) / np.mean(r['returns']['a2c']):.2f}" for r in runs[name])
        steps = np.mean([r["env_steps"] for r in runs[name]]) / 1e6
        interval = f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"
        lines.append(f"| `{name}` | {interval} | {seeds} | {paired} | {steps:.1f} M |")
    return "\n".join(lines) + "\n"


def draw(runs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Intervals beside single seeds, one row a curriculum; the untrained rule and A2C as lines."""
    values, untrained = compared(runs, "student"), compared(runs, "untrained")
    figure = Figure(figsize=(7.2, 0.55 * len(values) + 1.7), dpi=160, layout="constrained")
    axes = figure.subplots()
    for row, (name, value) in enumerate(values.items()):
        seeds = [np.mean(r["returns"]["student"]) / np.mean(r["returns"]["a2c"]) for r in runs[name]]
        axes.plot([value.low, value.high], [row, row], color="#0072B2", lw=2.5, solid_capstyle="round")
        axes.plot(value.value, row, "o", color="#0072B2", ms=8)
        axes.plot(seeds, np.full(len(seeds), row + 0.22), "|", color="#333333", ms=7)
    floor = np.mean([value.value for value in untrained.values()])
    for x, label in ((1.0, "A2C"), (floor, "untrained rule")):
        axes.axvline(x, color="#8C8C8C", lw=1, ls="--", zorder=0)
        axes.annotate(label, (x, -0.6), xytext=(3, 0), textcoords="offset points", color="#8C8C8C", fontsize=8)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.4, -0.8)
    axes.set_xlabel("return on unseen random levels, as a share of A2C's")
    first = next(iter(runs.values()))
    axes.set_title(
        f"{len(first)} meta-seeds, {first[0]['env_steps'] / 1e6:.0f} M student steps each; dots: mean, lines: 95 % "
        "bootstrap\ninterval over seeds and levels, ticks: single seeds",
        fontsize=8,
        loc="left",
    )
    axes.spines[["top", "right"]].set_visible(False)
    save_picture(figure, path)


def main(argv: list[str]) -> int:
    """Runs what is missing and draws what there is."""
    del argv
    path = Path(_TO.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    if _DRAW_ONLY.value:
        runs = json.loads(path.with_suffix(".json").read_text())
    else:
        try:
            runs = trained(_CURRICULA.value)
        except ValueError as error:
            print(f"groove: {error}", file=sys.stderr)
            return 2
    path.with_suffix(".json").write_text(json.dumps(runs) + "\n")
    path.with_suffix(".md").write_text(table(runs))
    draw(runs, path.with_suffix(".png"))
    print(table(runs))
    return 0


if __name__ == "__main__":
    app.run(main)
