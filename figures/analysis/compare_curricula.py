"""A comparison of the curricula of a sweep file at equal numbers of meta-steps.

    python figures/analysis/compare_curricula.py --sweep docs/comparison.toml --runs runs/compare --to docs/comparison

Every curriculum is meta-trained with every seed. Finished runs are not repeated, and interrupted runs resume. The
program writes a table, a picture and their numbers (.md, .png, .json). With --suite, meta_test then tests the finished
rules on other tasks; the meta-seeds of a curriculum are pooled under its name.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import drawing, folder, stem, stored_or_measured
from groove.cli._executor import executor_flags
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.meta_test import meta_test
from groove.evaluation.suites.registry import find_tasks
from groove.sweep.executor import Executor
from groove.sweep.steps import MetaTraining, read_summary
from groove.sweep.sweep import progress_bars, run_steps
from groove.sweep.sweep_file import read_sweep
from groove.utils.bootstrap import Interval, ratio_over_runs
from groove.utils.errors import ConfigError
from groove.utils.io import read_json
from groove.utils.limits import MOST_SEEDS
from groove.utils.paths import user_path
from groove.utils.plotting import BLUE, GREY, INK, new_figure, save_picture

_FLAGS = FlagSet()
_SWEEP = _FLAGS.string(
    "sweep",
    "docs/comparison.toml",
    "The file of curricula, settings and meta-seeds, as groove sweep takes it.",
)
_RUNS = _FLAGS.string("runs", "runs/compare", "Folder of the run directories.")
_EXECUTOR, _JOBS = executor_flags(_FLAGS)
_SUITE = _FLAGS.names("suite", [], "Suites on which the finished rules are tested, too; none by default.")
_AGENTS = _FLAGS.integer("agents", 2, "With --suite, agents of each rule on each level.", least=1, most=MOST_SEEDS)
_RESULTS = _FLAGS.string("results", "results/curricula", "With --suite, the folder of results, which is added to.")
_TO = _FLAGS.string("to", "docs/comparison", "Path of the picture, the table and the numbers, without suffix.")
_DRAW_ONLY = _FLAGS.boolean("draw_only", False, "Draw from the stored numbers, without any training.")

Runs = dict[str, list[dict[str, Any]]]  # curriculum -> per seed, the numbers of a finished run


def trained(steps: Sequence[MetaTraining], runs: Path, make_executor: Callable[[], Executor], jobs: int) -> Runs:
    """Train what is missing, and return each run's size and the returns of its last validation, f32[levels] by rule.

    Raises:
      GrooveError: if a run fails.
    """
    steps = sorted(steps, key=lambda step: step.seed)  # if the program is interrupted, all curricula have equal seeds
    with closing(make_executor()) as executor, progress_bars() as bars:
        run_steps(steps, runs, executor, jobs, bars)
    numbers: Runs = {step.label: [] for step in steps}
    for step in steps:
        summary = read_summary(runs / step.name / "summary.json")
        returns = read_json(runs / step.name / "validation.json", "train the run again")["returns"]
        run = {"seed": step.seed, "env_steps": summary["env_steps"], "seconds": summary["seconds"], "returns": returns}
        numbers[step.label].append(run)
    return numbers


def held_out_table(steps: Sequence[MetaTraining], runs: Path, suites: Sequence[str], agents: int, results: Path) -> str:
    """Test the rules of finished runs, A2C and random play on suites, and return the table of their returns.

    Raises:
      GrooveError: if a suite is unknown, or a rule or result cannot be read.
    """
    rules = [f"{step.label}={runs / step.name}" for step in steps]
    return meta_test([*rules, "a2c", "random"], suites, seeds=agents, results=results).table


def shares(runs: Runs, rule: str) -> dict[str, Interval[float]]:
    """Return a rule's share of A2C's return on unseen levels for each curriculum, over seeds and levels.

    Args:
      runs: the runs.
      rule: "student" for the trained rule, "untrained" for the rule before training.
    """
    return {
        name: ratio_over_runs([(r["returns"][rule], r["returns"]["a2c"]) for r in rows], np.random.default_rng(0))
        for name, rows in runs.items()
    }


def lead(runs: Runs, name: str) -> Interval[float]:
    """Return the lead of a curriculum over the first one, as a share of A2C's return, paired by seed and level."""
    first = runs[next(iter(runs))]
    pairs = [
        (np.subtract(b["returns"]["student"], a["returns"]["student"]), b["returns"]["a2c"])
        for a, b in zip(first, runs[name], strict=True)
    ]
    return ratio_over_runs(pairs, np.random.default_rng(0))


def of_each_seed(rows: list[dict[str, Any]]) -> list[Any]:
    """Return the student's share of A2C's return of every run."""
    return [np.mean(r["returns"]["student"]) / np.mean(r["returns"]["a2c"]) for r in rows]


def table(runs: Runs) -> str:
    """Return a Markdown table, one line per curriculum."""
    first = next(iter(runs))
    lines = [
        f"| curriculum | of A2C's return on unseen levels | each seed | ahead of `{first}` by, paired | "
        "students' environment steps a run |",
        "|---|---|---|---|---|",
    ]
    for name, value in shares(runs, "student").items():
        ahead = lead(runs, name)
        paired = "" if name == first else f"{ahead.value:.3f} [{ahead.low:.3f}, {ahead.high:.3f}]"
        seeds = ", ".join(f"{share:.2f}" for share in of_each_seed(runs[name]))
        steps = np.mean([r["env_steps"] for r in runs[name]]) / 1e6
        lines.append(f"| `{name}` | {_text(value)} | {seeds} | {paired} | {steps:.1f} M |")
    return "\n".join(lines) + "\n"


def _text(value: Interval[float]) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def draw(runs: Runs, path: Path) -> None:
    """Draw the interval and the single seeds of each curriculum, and lines for A2C and the untrained rule."""
    values, untrained = shares(runs, "student"), shares(runs, "untrained")
    figure = new_figure(7.2, 0.55 * len(values) + 1.7, dpi=160)
    axes = figure.subplots()
    for row, (name, value) in enumerate(values.items()):
        seeds = of_each_seed(runs[name])
        axes.plot([value.low, value.high], [row, row], color=BLUE, lw=2.5, solid_capstyle="round")
        axes.plot(value.value, row, "o", color=BLUE, ms=8)
        axes.plot(seeds, np.full(len(seeds), row + 0.22), "|", color=INK, ms=7)
    floor = float(np.mean([value.value for value in untrained.values()]))
    for x, label in ((1.0, "A2C"), (floor, "untrained rule")):
        axes.axvline(x, color=GREY, lw=1, ls="--", zorder=0)
        axes.annotate(label, (x, -0.6), xytext=(3, 0), textcoords="offset points", color=GREY, fontsize=8)
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.4, -0.8)
    axes.set_xlabel("return on unseen random levels, as a share of A2C's")
    first = next(iter(runs.values()))
    axes.set_title(
        f"{len(first)} meta-seeds, {first[0]['env_steps'] / 1e6:.0f} M student steps each\ndots: mean, ticks: single "
        "seeds\nlines: 95 % bootstrap interval over seeds and levels",
        fontsize=8,
        loc="left",
    )
    axes.spines[["top", "right"]].set_visible(False)
    save_picture(figure, path)


def main() -> None:
    """Train what is missing, and write the table, the picture and the numbers."""
    path, folder_of_runs = stem("to", _TO.value), folder("runs", _RUNS.value)
    results = folder("results", _RESULTS.value)
    if _SUITE.value:
        find_tasks(_SUITE.value)
        if _DRAW_ONLY.value:
            raise ConfigError("--suite tests rules, which --draw_only rules out: leave out one of the two.")
    steps = [] if _DRAW_ONLY.value else read_sweep(user_path(_SWEEP.value, "--sweep"))
    runs = stored_or_measured(path, _DRAW_ONLY.value, lambda: trained(steps, folder_of_runs, _EXECUTOR, _JOBS.value))
    with drawing(path, _DRAW_ONLY.value):
        text = table(runs)
        draw(runs, path.with_name(f"{path.name}.png"))
    path.with_name(f"{path.name}.md").write_text(text)
    print(text)
    if _SUITE.value:
        print(held_out_table(steps, folder_of_runs, _SUITE.value, _AGENTS.value, results))


PROGRAM = Program(
    "Compare curricula at equal numbers of meta-steps.",
    "--sweep docs/comparison.toml --runs runs/compare --to docs/comparison",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
