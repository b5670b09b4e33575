"""TA-LPG: what rules learn about the lifetime they are told: python figures/paper/ta_lifetimes.py --scale laptop.

Three rules: one that meta-gradients trained and that is told nothing, one that they trained and that is told how long
its agents live and how far they are, and one of the latter kind that evolution strategies trained over whole lifetimes.
Agents of each live on random gridworlds for three lifetimes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import app
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import RUNS, SCALE, SHORTER, FigureScript, dress, meta_seeds, save, trainings
from figures.pipeline.plan import Plan
from figures.pipeline.steps import MetaTraining, program
from groove.evaluation.results import Cell
from groove.utils.plotting import INK, PALETTE

TOLD = "rules.lpg.lifetime_conditioning=true"
# a generation lives 128 whole lives, which are kept as short as TA-LPG's
SHORT_LIVES = ("levels.min_lifetime=10", "levels.max_lifetime=250")
GENERATIONS = {"smoke": (), "laptop": ("run.steps=200",), "paper": ("run.steps=2500",)}
LIFETIMES = {"smoke": (10, 20), "laptop": (50, 250, 1000), "paper": (50, 250, 1000, 2500)}
LEVELS = {"smoke": 4, "laptop": 64, "paper": 1024}
CLAIM = (
    "Paper: rules that evolution strategies trained and that are told the lifetime explore long in long lives and\n"
    "settle at their ends (entropy falls, updates shrink with progress); short-sighted meta-gradients learn none."
)


@dataclass(frozen=True)
class Schedule:
    """What agents go through under one rule, as figures/analysis/schedules.py measures it."""

    rule: MetaTraining
    levels: int
    lifetimes: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of its file."""
        return f"schedule-{self.levels}-{'-'.join(map(str, self.lifetimes))}-{self.rule.name}.json"

    def finished(self, runs: Path) -> bool:
        """Whether it is there."""
        return (runs / self.name).exists()

    def done(self, runs: Path) -> float:
        """Nothing or all."""
        return float(self.finished(runs))

    def seconds(self, runs: Path) -> float:
        """Guessed, of the updates."""
        return 10.0 + 5e-4 * self.levels * sum(self.lifetimes)

    def command(self, runs: Path) -> list[str]:
        """What measures it."""
        lifetimes = ",".join(map(str, self.lifetimes))
        return [
            *(sys.executable, program("figures/analysis/schedules.py"), "--rule", str(runs / self.rule.name)),
            *("--levels", str(self.levels), "--lifetimes", lifetimes, "--to", str(runs / self.name)),
        ]


def rules() -> dict[str, list[MetaTraining]]:
    """By how the figure names them, a meta-seed each."""
    short, generations = SHORTER[SCALE.value], GENERATIONS[SCALE.value]
    lifetimes = () if SCALE.value == "smoke" else SHORT_LIVES
    return {
        "meta-gradient, not told": trainings("uniform", "varied", *short),
        "meta-gradient, told": trainings("told", "varied", *short, TOLD),
        "ES, told": trainings("evolved", "varied", *generations, TOLD, "meta.optimizer=es", *lifetimes),
    }


def plan() -> Plan:
    """The rules, and what agents go through under each."""
    chosen = [rule for seeds in rules().values() for rule in seeds]
    return Plan(
        (tuple(chosen), tuple(Schedule(rule, LEVELS[SCALE.value], LIFETIMES[SCALE.value]) for rule in chosen)), ()
    )


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Rows: entropy, change, return; a column a rule; a colour a lifetime, a thin line a meta-seed."""
    del cells
    numbers = _measured(path.with_name(f"{path.name}.json"))
    rows = {"entropy": "policy entropy (nats)", "change": "KL of one update (nats)", "return": "mean return"}
    figure = Figure(figsize=(9.5, 7.4), dpi=140, layout="constrained")
    grid = figure.subplots(len(rows), len(numbers), sharex=True, sharey="row")
    for column, (label, runs) in zip(grid.T, numbers.items(), strict=True):
        for axes, quantity in zip(column, rows, strict=True):
            for colour, lifetime in zip(PALETTE, LIFETIMES[SCALE.value], strict=False):
                curves = np.array([run[str(lifetime)][quantity] for run in runs])
                progress = (np.arange(curves.shape[1]) + (1.0 if quantity == "return" else 0.5)) / curves.shape[1]
                axes.plot(progress, curves.T, color=colour, lw=0.7, alpha=0.5)
                axes.plot(progress, curves.mean(0), color=colour, lw=2, label=f"{lifetime} updates")
            dress(axes, label if quantity == "entropy" else "")
            if quantity == "change":
                axes.set_yscale("log")
    for axes, name in zip(grid[:, 0], rows.values(), strict=True):
        axes.set_ylabel(name, fontsize=8, color=INK)
        axes.tick_params(which="minor", labelsize=8, colors=INK)
    grid[0, 0].legend(frameon=False, fontsize=8, title="lifetime", title_fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("progress through life", fontsize=8, color=INK)
    seeds = min(len(runs) for runs in numbers.values())
    count = f"{LEVELS[SCALE.value]} random gridworlds, agents that are networks; thin lines: the {seeds} meta-seeds."
    caption = f"{CLAIM}\n{count}"
    figure.supxlabel(caption, fontsize=7, color=INK, x=0.01, ha="left")
    save(figure, path)


def _measured(stored: Path) -> dict[str, list[Mapping[str, Any]]]:
    """Rule -> what was measured, a meta-seed each; kept beside the picture, from where it is redrawn.

    Raises:
      ValueError: if it was not measured.
    """
    schedules = [step for step in plan().stages[1] if isinstance(step, Schedule)]
    runs = Path(RUNS.value)
    if all(step.finished(runs) for step in schedules):
        each = [json.loads((runs / step.name).read_text()) for step in schedules]
        rows = np.reshape(np.arange(len(each)), (-1, meta_seeds()))
        numbers = {label: [each[i] for i in row] for label, row in zip(rules(), rows, strict=True)}
        stored.write_text(json.dumps(numbers) + "\n")
        return numbers
    if not stored.exists():
        raise ValueError(f"neither {runs} nor {stored} holds what this figure shows; run it without --draw_only.")
    found: dict[str, list[Mapping[str, Any]]] = json.loads(stored.read_text())
    return found


FIGURE = FigureScript("ta_lifetimes", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
