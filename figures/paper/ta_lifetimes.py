"""TA-LPG's figure: the schedules that rules learn if they are told the lifetime.

    python figures/paper/ta_lifetimes.py --scale laptop

Three rules are compared: one trained by meta-gradients that is not told the lifetime, one trained by meta-gradients
that is told lifetime and progress, and one that is told both and trained by evolution strategies over whole lifetimes.
Agents of each rule live on random gridworlds for three lifetimes.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript
from figures.pipeline.methods import trainings
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.steps import FileStep, python
from figures.pipeline.stored import stored_or_measured
from figures.pipeline.style import PANEL, add_caption, save
from groove.cli._main import run_program
from groove.evaluation.results import Cell
from groove.sweep.steps import MetaTraining
from groove.utils.io import read_json
from groove.utils.plotting import INK, PALETTE, dress, new_figure

TOLD = "rules.lpg.lifetime_conditioning=true"
# a generation lives 128 whole lifetimes, so lifetimes are as short as TA-LPG's
SHORT_LIVES = ("levels.min_lifetime=10", "levels.max_lifetime=250")
GENERATIONS = {"smoke": (), "laptop": ("run.steps=200",), "paper": ("run.steps=2500",)}
LIFETIMES: Mapping[str, tuple[int, ...]] = {
    "smoke": (10, 20),
    "laptop": (50, 250, 1000),
    "paper": (50, 250, 1000, 2500),
}
LEVELS = {"smoke": 4, "laptop": 64, "paper": 1024}
ROWS = {"entropy": "policy entropy (nats)", "change": "KL of one update (nats)", "return": "mean return"}
CLAIM = (
    "Paper: rules that evolution strategies trained and that are told the lifetime explore long in long lives and\n"
    "settle at their ends (entropy falls, updates shrink with progress); short-sighted meta-gradients learn none."
)


@dataclass(frozen=True)
class Schedule(FileStep):
    """Entropy, policy change and return over the lives of one rule's agents, measured by analysis/schedules.py.

    Attributes:
      rule: the rule, trained by an earlier step.
      levels: random gridworlds, one agent each.
      lifetimes: lengths of the lives, in agent updates.
    """

    rule: MetaTraining
    levels: int
    lifetimes: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"schedule-{self.levels}-{'-'.join(map(str, self.lifetimes))}-{self.rule.name}.json"

    def seconds_left(self, runs: Path) -> float:
        """Return a guess from the number of agent updates."""
        return 10.0 + 5e-4 * self.levels * sum(self.lifetimes)

    def command(self, runs: Path) -> list[str]:
        """Return the command line that measures the schedule."""
        flags = {"rule": runs / self.rule.name, "levels": self.levels, "lifetimes": ",".join(map(str, self.lifetimes))}
        return python("figures/analysis/schedules.py", **flags, to=runs / self.name)


def schedules(scale: Scale) -> dict[str, list[Schedule]]:
    """Return the schedules by the title of their rule, one per meta-seed."""
    generations = GENERATIONS[scale.name]
    short_lives = () if scale.name == "smoke" else SHORT_LIVES
    evolved = (*generations, TOLD, "meta.optimizer=es", *short_lives)
    rules = {
        "meta-gradient, not told": trainings(scale, "uniform", "varied", *scale.shorter),
        "meta-gradient, told": trainings(scale, "told", "varied", *scale.shorter, TOLD),
        "ES, told": trainings(scale, "evolved", "varied", *evolved),
    }
    levels, lifetimes = LEVELS[scale.name], LIFETIMES[scale.name]
    return {title: [Schedule(rule, levels, lifetimes) for rule in seeds] for title, seeds in rules.items()}


def plan(scale: Scale) -> Plan:
    """Return the plan that trains the rules and measures their schedules."""
    steps = [schedule for seeds in schedules(scale).values() for schedule in seeds]
    return Plan((tuple(step.rule for step in steps), tuple(steps)), ())


def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
    """Draw entropy, change and return in rows, rules in columns, lifetimes in colours, meta-seeds as thin lines."""
    numbers = measured(request, path)
    lifetimes = LIFETIMES[request.scale.name]
    figure = new_figure(9.5, 7.4, dpi=140)
    grid = figure.subplots(len(ROWS), len(numbers), sharex=True, sharey="row")
    for column, (title, runs) in zip(grid.T, numbers.items(), strict=True):
        for axes, quantity in zip(column, ROWS, strict=True):
            draw_panel(axes, quantity, runs, lifetimes)
            dress(axes, title if quantity == "entropy" else "", **PANEL)
            if quantity == "change":
                axes.set_yscale("log")
    for axes, name in zip(grid[:, 0], ROWS.values(), strict=True):
        axes.set_ylabel(name, fontsize=8, color=INK)
        axes.tick_params(which="minor", labelsize=8, colors=INK)
    grid[0, 0].legend(frameon=False, fontsize=8, title="lifetime", title_fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("progress through life", fontsize=8, color=INK)
    seeds = min(len(runs) for runs in numbers.values())
    levels = LEVELS[request.scale.name]
    count = f"{levels} random gridworlds, agents that are networks; thin lines: the {seeds} meta-seeds."
    add_caption(figure, f"{CLAIM}\n{count}")
    save(figure, path)


def draw_panel(axes: Axes, quantity: str, runs: Sequence[Mapping[str, Any]], lifetimes: tuple[int, ...]) -> None:
    """Draw one quantity against progress: a colour per lifetime, the mean in bold."""
    for colour, lifetime in zip(PALETTE, lifetimes, strict=False):
        curves = np.array([run[str(lifetime)][quantity] for run in runs])
        progress = (np.arange(curves.shape[1]) + (1.0 if quantity == "return" else 0.5)) / curves.shape[1]
        axes.plot(progress, curves.T, color=colour, lw=0.7, alpha=0.5)
        axes.plot(progress, curves.mean(0), color=colour, lw=2, label=f"{lifetime} updates")


def measured(request: Request, path: Path) -> dict[str, list[Mapping[str, Any]]]:
    """Return the measurements by title of the rule, one per meta-seed; a copy is kept beside the picture.

    Raises:
      ConfigError: if a schedule is not measured and there is no copy.
    """
    steps = schedules(request.scale)

    def read() -> dict[str, list[Mapping[str, Any]]]:
        return {
            title: [read_json(s.file(request.runs), "remove it, and it is made again") for s in seeds]
            for title, seeds in steps.items()
        }

    complete = all(step.finished(request.runs) for seeds in steps.values() for step in seeds)
    numbers: dict[str, list[Mapping[str, Any]]] = stored_or_measured(path, not complete, read)
    return numbers


FIGURE = FigureScript(
    "ta_lifetimes", "Draw TA-LPG's figure: the schedules that rules learn if they are told the lifetime.", plan, draw
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
