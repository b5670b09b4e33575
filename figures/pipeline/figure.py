"""A figure as a program: from a request to a plan, from the plan to results, from the results to pictures."""

import functools
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from figures.pipeline.plan import Plan, carry_out, describe
from figures.pipeline.request import Request, Scale, request_flags
from groove.cli._main import FlagSet, Program
from groove.evaluation.comparisons.comparison import Comparison, compare_cells
from groove.evaluation.results import Cell, Results
from groove.utils import parallel
from groove.utils.errors import ConfigError


@dataclass(frozen=True)
class FigureScript:
    """A figure of the paper.

    Attributes:
      name: file name of its pictures, without scale and suffix.
      summary: one sentence that says what it shows.
      plan: returns the work that it needs at a scale.
      draw: (request, results of the plan's tests, path without suffix) writes its pictures.
    """

    name: str
    summary: str
    plan: Callable[[Scale], Plan]
    draw: Callable[[Request, Sequence[Cell], Path], None]

    def program(self) -> Program:
        """Return the program that draws this figure alone."""
        return program(lambda: [self], self.summary)


def program(figures: Callable[[], Sequence[FigureScript]], summary: str) -> Program:
    """Return the program that draws figures.

    Args:
      figures: returns the figures.
      summary: one sentence that says what the program does.
    """
    flags = FlagSet()
    read = request_flags(flags)
    return Program(summary, "--scale laptop --dry_run", flags, lambda: make(read(), figures()))


def make(request: Request, figures: Sequence[FigureScript]) -> None:
    """Do the missing work of figures, what they share once, and draw them.

    Raises:
      GrooveError: if a step fails, or if results are missing or ambiguous.
    """
    parallel.request_devices(1)
    plan = functools.reduce(Plan.__add__, (figure.plan(request.scale) for figure in figures))
    if request.dry_run:
        print(describe(plan, request.runs, request.results, request.jobs))
        return
    if not request.draw_only:
        with closing(request.executor()) as executor:
            carry_out(plan, request.runs, request.results, executor, request.jobs)
    for figure in figures:
        path = request.pictures / f"{figure.name}-{request.scale.name}"
        figure.draw(request, results_of(figure.plan(request.scale), request.runs, request.results), path)
        print(f"{path}.png")


def results_of(plan: Plan, runs: Path, results: Path) -> list[Cell]:
    """Return the stored results of a plan's tests, under the labels of their rules.

    If the run directory exists, results are matched by the rule's digest; otherwise by label. The digest finds results
    that another method stored for the same rule, and the label finds results of runs on another machine.
    """
    stored = Results(results).cells()
    cells: dict[tuple[str, str], Cell] = {}
    for test in plan.tests:
        if test.rule_exists(runs):
            digests = test.cells(runs)
            matches = [cell for cell in stored if cell.lines[-1]["cell"] in digests]
        else:
            name = (test.label, test.budget)
            matches = [cell for cell in stored if (cell.rule, cell.budget) == name and cell.task in test.paths]
        cells |= {(test.label, cell.lines[-1]["cell"]): replace(cell, rule=test.label) for cell in matches}
    return list(cells.values())


def compared(cells: Sequence[Cell], labels: Sequence[str]) -> Comparison:
    """Compare methods, in the order of their labels.

    Raises:
      ConfigError: if a method has no results, or results of two versions.
    """
    missing = [label for label in labels if label not in {cell.rule for cell in cells}]
    if missing:
        raise ConfigError(f"there are no results of {', '.join(missing)} at this scale; run the figure.")
    _require_one_rule_per_seed(cells)
    return compare_cells(sorted(cells, key=lambda cell: labels.index(cell.rule)))


def _require_one_rule_per_seed(cells: Sequence[Cell]) -> None:
    """Refuse two rules of one label and meta-seed: they are of different versions or configurations."""
    known = set()
    for cell in cells:
        seed = cell.lines[-1]["settings"]["origin"].get("seed")
        name = (cell.task, cell.rule, seed)
        if name in known:
            raise ConfigError(
                f"the results hold more than one {cell.rule} of meta-seed {seed} on {cell.task}: remove the lines of "
                "the older one, or give another folder as --results."
            )
        known.add(name)
