"""What the figures' programs share: flags, one style, and the way from a plan to a picture."""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from absl import flags, logging
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from plan import Plan, carry_out, describe
from steps import MetaTest, MetaTraining

from groove import parallel
from groove.compare import Comparison, compare
from groove.compare_report import colours
from groove.console import quantity
from groove.report import INK, save_picture
from groove.results import Results
from groove.run_dir import write_json

SCALE = flags.DEFINE_enum("scale", "laptop", ["smoke", "laptop", "paper"], "How much is spent.")
SEEDS = flags.DEFINE_integer("seeds", None, "Meta-seeds of each method; 1 at smoke, 3 at laptop, 10 at paper scale.")
RUNS = flags.DEFINE_string("runs", "runs/figures", "The folder of meta-training runs.")
RESULTS = flags.DEFINE_string("results", "docs/results", "The store of meta-test results.")
TO = flags.DEFINE_string("to", "docs/figures", "The folder of pictures.")
JOBS = flags.DEFINE_integer("jobs", 2, "Trainings side by side.")
DRY_RUN = flags.DEFINE_bool("dry_run", False, "Prints what is to be done, and the minutes it takes.")
DRAW_ONLY = flags.DEFINE_bool("draw_only", False, "Redraws from the results that are there.")

PRESET = {"smoke": "smoke", "laptop": "release", "paper": "paper"}  # of meta-training
AGENT_SEEDS = {"smoke": 2, "laptop": 5, "paper": 16}


class FigureScript(Protocol):
    """What a figure's program is to the others.

    Attributes:
      NAME: of its pictures.
    """

    NAME: str

    def plan(self) -> Plan:
        """What it needs at the scale of the flags."""

    def draw(self, results: Results, budget: str, path: Path) -> None:
        """Writes pictures, at a path without suffix."""


def meta_seeds() -> int:
    """Asked for, or usual at this scale."""
    return SEEDS.value or {"smoke": 1, "laptop": 3, "paper": 10}[SCALE.value]


def methods(curricula: dict[str, str], tasks: tuple[str, ...], *overrides: str, references: bool = True) -> Plan:
    """Trainings of methods, {label: curriculum} or {label: curriculum and more FIELD=VALUE}, and tests of them all.

    Args:
      curricula: label -> curriculum, followed by FIELD=VALUE, apart by blanks.
      tasks: that rules are tested on.
      *overrides: of every training.
      references: whether A2C and random play are tested, too.
    """
    trainings = []
    for label, words in curricula.items():
        curriculum, *more = words.split()
        for seed in range(meta_seeds()):
            trainings.append(MetaTraining(label, curriculum, seed, PRESET[SCALE.value], (*overrides, *more)))
    rules: list[MetaTraining | str] = [*trainings, *(("a2c", "random") if references else ())]
    tests = [MetaTest(rule, tasks, SCALE.value, AGENT_SEEDS[SCALE.value]) for rule in rules]
    return Plan((tuple(trainings),), tuple(tests))


def make(*figures: FigureScript) -> int:
    """Does what figures need, what they share once, and draws them; returns the exit code."""
    logging.set_verbosity(logging.ERROR)
    parallel.request_devices(1)
    runs, results, folder = Path(RUNS.value), Path(RESULTS.value), Path(TO.value)
    try:
        plan = functools.reduce(Plan.__add__, (figure.plan() for figure in figures))
        if DRY_RUN.value:
            print(describe(plan, runs, results, JOBS.value))
            return 0
        if not DRAW_ONLY.value:
            carry_out(plan, runs, results, JOBS.value)
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            path = folder / f"{figure.NAME}-{SCALE.value}"
            figure.draw(Results(results), SCALE.value, path)
            print(f"{path}.png")
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    return 0


def compared(results: Results, budget: str, labels: Sequence[str], tasks: Sequence[str]) -> Comparison:
    """Methods by label on tasks, "suite/name" or whole suites, "suite/", of what is stored.

    Raises:
      ValueError: if a method has no results.
    """
    cells = [
        cell
        for cell in results.cells()
        if cell.budget == budget and cell.rule in labels and cell.task.startswith(tuple(tasks))
    ]
    lacking = [label for label in labels if label not in {cell.rule for cell in cells}]
    if lacking:
        raise ValueError(
            f"{results.folder} holds no results of {', '.join(lacking)} at scale {budget}; run the figure."
        )
    return compare(sorted(cells, key=lambda cell: labels.index(cell.rule)))


def bars(found: Comparison, labels: Sequence[str], path: Path, claim: str) -> None:
    """A panel a task, a dot and an interval a method; the references as lines."""
    figure = Figure(figsize=(2.5 * len(found.rows) + 1.2, 0.38 * len(labels) + 1.7), dpi=140, layout="constrained")
    palette = colours(found.rules)
    for axes, row in zip(np.atleast_1d(figure.subplots(1, len(found.rows), sharey=True)), found.rows, strict=True):
        for y, label in enumerate(labels):
            value = row.returns[label]
            axes.plot([value.low, value.high], [y, y], color=palette[label], lw=2.5, solid_capstyle="round")
            axes.plot(value.value, y, "o", color=palette[label], ms=6)
        for name in ("random", "a2c"):
            if name in row.returns:
                axes.axvline(row.returns[name].value, color=palette[name], lw=1, ls="--", zorder=0)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        dress(axes, row.task)
    finish(figure, found, path, claim)


def finish(figure: Figure, found: Comparison, path: Path, claim: str) -> None:
    """The caption, and the picture as PNG and PDF with its numbers beside it."""
    seeds = ", ".join(f"{label} {count}" for label, count in found.clusters.items() if label not in ("a2c", "random"))
    agents = min(row.seeds // max(found.clusters.values()) for row in found.rows)
    steps = ", ".join(sorted({quantity(row.env_steps) for row in found.rows}))
    caption = (
        f"{claim}\nMeta-seeds: {seeds}; at least {agents} agents of each a task, {steps} steps an agent; mean return "
        "with 95 %\nbootstrap intervals over meta-seeds and agents; dashed: A2C (dark) and random play (light)."
    )
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
    save_picture(figure, path.with_suffix(".png"))
    figure.savefig(path.with_suffix(".pdf"))
    numbers = {row.task: {rule: list(value) for rule, value in row.returns.items()} for row in found.rows}
    write_json(path.with_suffix(".json"), {"claim": claim, "clusters": dict(found.clusters), "returns": numbers})


def dress(axes: Axes, title: str) -> None:
    """Titles, ticks and frames alike in all figures."""
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
