"""Sweeps: the trainings of a sweep file, on one machine or many."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from groove.sweep.executor import Executor
from groove.sweep.pool import Work, run_all
from groove.sweep.steps import MetaTraining, Step, read_summary


def run_steps(steps: Sequence[Step], runs: Path, executor: Executor, jobs: int, bars: Progress) -> None:
    """Run the steps that are not finished; may be stopped and called again.

    Args:
      steps: commands that do not need each other's files.
      runs: folder of their files and logs.
      executor: starts the steps.
      jobs: steps that run side by side.
      bars: the display.

    Raises:
      GrooveError: if a step fails; the message names its log file.
    """
    missing = [step for step in steps if not step.finished(runs)]
    work = [
        Work(step.name, partial(step.command, runs), partial(step.progress, runs), partial(step.finished, runs))
        for step in missing
    ]
    run_all(work, runs, executor, jobs, bars)


def progress_bars() -> Progress:
    """Return the display of the processes that run; it shows bars on terminals only."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    console = Console()
    return Progress(*columns, console=console, disable=not console.is_terminal)


def sweep(trainings: Sequence[MetaTraining], runs: Path, make_executor: Callable[[], Executor], jobs: int) -> None:
    """Run the trainings of a sweep that are not finished, and print the outcome of all of them.

    Raises:
      GrooveError: if a training fails; the message names its log file.
    """
    with closing(make_executor()) as executor, progress_bars() as bars:
        run_steps(trainings, runs, executor, jobs, bars)
    Console().print(outcomes(trainings, runs))


def describe(trainings: Sequence[MetaTraining], runs: Path, jobs: int) -> str:
    """Return the trainings that are not finished with their minutes, one line each, and the total."""
    left = {each: each.seconds_left(runs) / 60 for each in trainings if not each.finished(runs)}
    lines = [f"{minutes:7.1f} min  {each.title}  ({each.name})" for each, minutes in left.items()]
    done = len(trainings) - len(left)
    return "\n".join([*lines, f"{sum(left.values()) / jobs:7.1f} min  in all; {done} of {len(trainings)} are done"])


def outcomes(trainings: Sequence[MetaTraining], runs: Path) -> Table:
    """Return the table of finished trainings: what was trained, for how long, what it reached, and where it lies."""
    table = Table("method", "meta-seed", "meta-steps", "minutes", "share of A2C's return", "directory", box=None)
    for training in trainings:
        summary = read_summary(runs / training.name / "summary.json")
        reached = summary.get("validation/normalised_return")
        table.add_row(
            Text(training.label),  # brackets would be read as markup
            str(training.seed),
            f"{summary['step']:,}",
            f"{summary['seconds'] / 60:.1f}",
            "-" if reached is None else f"{reached:.2f}",
            Text(str(runs / training.name)),
        )
    return table
