"""Progress of training many agents: bars on a terminal, lines of text elsewhere, or silence."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from groove.lifetimes.learning_curves import Report


class Bars:
    """Progress bars, made by `progress_bars`."""

    def __init__(self, console: Console, progress: Progress) -> None:
        """Wrap rich's console and progress display."""
        self._console, self._progress = console, progress

    def add(self, name: str, total: int, completed: int = 0) -> TaskID:
        """Add a bar and return its handle."""
        return self._progress.add_task(name, total=total, completed=completed)

    def report(self, bar: TaskID) -> Report:
        """Return a function that sets the number of completed agents of a bar."""
        return partial(self._complete, bar)

    def advance(self, bar: TaskID) -> None:
        """Advance a bar by one."""
        self._progress.advance(bar)

    def remove(self, bar: TaskID) -> None:
        """Remove a bar."""
        self._progress.remove_task(bar)

    def say(self, text: str) -> None:
        """Print a line of text unless there is a terminal, which shows bars instead."""
        if not self._console.is_terminal:
            self._console.print(text, highlight=False)

    def _complete(self, bar: TaskID, done: float) -> None:
        self._progress.update(bar, completed=done)


@contextmanager
def progress_bars(show: bool) -> Iterator[Bars]:
    """Show progress bars inside the block.

    Args:
      show: False for silence.
    """
    console = Console(quiet=not show)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=console, disable=not (show and console.is_terminal)) as progress:
        yield Bars(console, progress)
