"""What the figures' programs share: flags, one style, and the way from a plan to a picture."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from absl import flags, logging
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.pipeline.plan import Plan, carry_out, describe
from figures.pipeline.steps import FirstLevels, MetaTest, MetaTraining
from groove.evaluation.compare import Comparison, aggregates, compare
from groove.evaluation.compare_plots import colours
from groove.evaluation.results import Cell, Results
from groove.utils import parallel
from groove.utils.io import write_json
from groove.utils.plotting import INK, save_picture
from groove.utils.text import quantity

SCALE = flags.DEFINE_enum("scale", "laptop", ["smoke", "laptop", "paper"], "How much is spent.")
SEEDS = flags.DEFINE_integer("seeds", None, "Meta-seeds of each method; 1 at smoke, 3 at laptop, 10 at paper scale.")
RUNS = flags.DEFINE_string("runs", "runs/figures", "The folder of meta-training runs.")
RESULTS = flags.DEFINE_string("results", "docs/results", "The store of meta-test results.")
TO = flags.DEFINE_string("to", "docs/figures", "The folder of pictures.")
JOBS = flags.DEFINE_integer("jobs", 2, "Trainings side by side.")
DRY_RUN = flags.DEFINE_bool("dry_run", False, "Prints what is to be done, and the minutes it takes.")
DRAW_ONLY = flags.DEFINE_bool("draw_only", False, "Redraws from the results that are there.")

PRESET = {"smoke": "smoke", "laptop": "release", "paper": "paper"}  # of meta-training
SHORTER: dict[str, tuple[str, ...]] = {"smoke": (), "laptop": ("run.steps=300",), "paper": ()}  # where rules are many
AGENT_SEEDS = {"smoke": 2, "laptop": 5, "paper": 16}
FEWER_AGENTS = {"smoke": 1, "laptop": 2, "paper": 10}  # where rules are many
IQM = "IQM, A2C is 1"


@dataclass(frozen=True)
class FigureScript:
    """What a figure's program is.

    Attributes:
      name: of its pictures.
      plan: what it needs at the scale of the flags.
      draw: (what its tests came to, path without suffix) writes its pictures.
    """

    name: str
    plan: Callable[[], Plan]
    draw: Callable[[Sequence[Cell], Path], None]

    def main(self, argv: list[str]) -> int:
        """The program: runs what is missing and draws."""
        del argv
        return make(self)


def meta_seeds() -> int:
    """Asked for, or usual at this scale."""
    return SEEDS.value or {"smoke": 1, "laptop": 3, "paper": 10}[SCALE.value]


def games() -> tuple[str, ...]:
    """GROOVE's four of MinAtar; one of them at smoke scale."""
    four = tuple(f"minatar/{game}" for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"))
    return four[1:2] if SCALE.value == "smoke" else four


def trainings(label: str, curriculum: str, *overrides: str, levels: FirstLevels | None = None) -> list[MetaTraining]:
    """One method's, a meta-seed each."""
    preset = PRESET[SCALE.value]
    return [MetaTraining(label, curriculum, seed, preset, overrides, levels) for seed in range(meta_seeds())]


def tested(rules: Sequence[MetaTraining], tasks: tuple[str, ...], agents: int) -> Plan:
    """Trainings, and tests of their rules, of A2C and of random play."""
    named: tuple[MetaTraining | str, ...] = (*rules, "a2c", "random")
    tests = [MetaTest(rule, tasks, SCALE.value, agents) for rule in named]
    return Plan((tuple(rules),), tuple(tests))


def groove_and_lpg(tasks: tuple[str, ...]) -> Plan:
    """The two methods as they are released, and tests of them."""
    return tested([*trainings("groove", "ar@varied"), *trainings("lpg", "varied")], tasks, AGENT_SEEDS[SCALE.value])


def on_games(name: str, curricula: dict[str, str], claim: str) -> FigureScript:
    """A figure of many methods on four games of MinAtar, trained and tested for less long than others.

    Args:
      name: of its pictures.
      curricula: label -> curriculum, followed by FIELD=VALUE, apart by blanks.
      claim: of the paper.
    """

    def plan() -> Plan:
        words = {label: text.split() for label, text in curricula.items()}
        rules = [
            t for label, (first, *more) in words.items() for t in trainings(label, first, *SHORTER[SCALE.value], *more)
        ]
        return tested(rules, games(), FEWER_AGENTS[SCALE.value])

    def draw(cells: Sequence[Cell], path: Path) -> None:
        labels = tuple(curricula)
        bars(compared(cells, (*labels, "a2c", "random")), labels, path, claim)

    return FigureScript(name, plan, draw)


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
            path = folder / f"{figure.name}-{SCALE.value}"
            figure.draw(came_to(figure.plan(), runs, results), path)
            print(f"{path}.png")
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    return 0


def came_to(plan: Plan, runs: Path, results: Path) -> list[Cell]:
    """What is stored of a plan's tests, under the labels of their rules.

    Rules that are there are known by what they are, so that two methods may have come to the same rule; others, as on
    another machine, by the label they were tested under.
    """
    stored = Results(results).cells()
    found: dict[tuple[str, str], Cell] = {}
    for test in plan.tests:
        label = test.rule if isinstance(test.rule, str) else test.rule.label
        if test.rule_is_there(runs):
            wanted = test.cells(runs)
            chosen = [cell for cell in stored if cell.lines[-1]["cell"] in wanted]
        else:
            name = (label, test.budget)
            chosen = [cell for cell in stored if (cell.rule, cell.budget) == name and cell.task in test.paths]
        found |= {(label, cell.lines[-1]["cell"]): replace(cell, rule=label) for cell in chosen}
    return list(found.values())


def compared(cells: Sequence[Cell], labels: Sequence[str]) -> Comparison:
    """Methods side by side, in the order of their labels.

    Raises:
      ValueError: if a method has no results, or two versions of it have.
    """
    lacking = [label for label in labels if label not in {cell.rule for cell in cells}]
    if lacking:
        raise ValueError(f"there are no results of {', '.join(lacking)} at this scale; run the figure.")
    _require_one_of_each_seed(cells)
    return compare(sorted(cells, key=lambda cell: labels.index(cell.rule)))


def _require_one_of_each_seed(cells: Sequence[Cell]) -> None:
    """Two rules of one label and meta-seed are of different versions or configurations: not to be pooled."""
    known = set()
    for cell in cells:
        origin = cell.lines[-1]["settings"]["origin"]
        name = (cell.task, cell.rule, origin.get("seed"))
        if name in known:
            raise ValueError(
                f"the results hold more than one {cell.rule} of meta-seed {origin.get('seed')} on {cell.task}: take "
                "the lines of the older one out, or give another folder as --results."
            )
        known.add(name)


def save(figure: Figure, path: Path) -> None:
    """As PNG and as PDF, at a path without suffix."""
    for suffix in (".png", ".pdf"):
        save_picture(figure, path.with_name(path.name + suffix))


def drawn(draw: Callable[[Comparison, Path], None], found: Comparison, path: Path) -> None:
    """One of groove.compare_report's pictures, as PNG and as PDF."""
    for suffix in (".png", ".pdf"):
        draw(found, path.with_name(path.name + suffix))


def bars(found: Comparison, labels: Sequence[str], path: Path, claim: str) -> None:
    """A panel a task after that of their IQM, a dot and an interval a method; the references as lines."""
    panels = [(row.task, row.returns) for row in found.rows]
    if all_tasks := aggregates(found)["IQM"]:  # none where A2C has learned nothing, as at smoke scale
        panels = [(IQM, all_tasks), *panels]
    figure = Figure(
        figsize=(max(2.3 * len(panels) + 1.2, 7.0), 0.38 * len(labels) + 1.7), dpi=140, layout="constrained"
    )
    palette = colours(found.rules)
    grid = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for axes, (title, values) in zip(grid, panels, strict=True):
        for y, label in enumerate(labels):
            value = values[label]
            axes.plot([value.low, value.high], [y, y], color=palette[label], lw=2.5, solid_capstyle="round")
            axes.plot(value.value, y, "o", color=palette[label], ms=6)
        for name in ("random", "a2c"):
            if name in values:
                axes.axvline(values[name].value, color=palette[name], lw=1, ls="--", zorder=0)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        dress(axes, title)
    finish(figure, found, path, claim, "IQM and mean return (dashed: A2C, dark, and random play, light)")


def finish(figure: Figure, found: Comparison, path: Path, claim: str, shown: str) -> None:
    """The caption, which says what is shown, and the picture as PNG and PDF with its numbers beside it."""
    seeds = ", ".join(f"{label} {count}" for label, count in found.clusters.items() if label not in ("a2c", "random"))
    agents = min(row.seeds // min(found.clusters.values()) for row in found.rows)
    steps = ", ".join(sorted({quantity(row.env_steps) for row in found.rows}))
    caption = (
        f"{claim}\nMeta-seeds: {seeds}; at least {agents} agents of each a task, {steps} steps an agent.\n"
        f"{shown}, with 95 % bootstrap intervals over meta-seeds and agents."
    )
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
    save(figure, path)
    numbers = {row.task: {rule: list(value) for rule, value in row.returns.items()} for row in found.rows}
    iqm = {rule: list(value) for rule, value in aggregates(found)["IQM"].items()}
    content = {"claim": claim, "shown": shown, "clusters": dict(found.clusters), "iqm": iqm, "returns": numbers}
    write_json(path.with_name(path.name + ".json"), content)


def dress(axes: Axes, title: str) -> None:
    """Titles, ticks and frames alike in all figures."""
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
