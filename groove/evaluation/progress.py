"""Progress of training many agents: bars on a terminal, lines of text elsewhere, or silence."""

import time
from collections.abc import Callable, Iterator
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
from groove.utils.text import duration

_SPEED_PERIOD = 600.0  # seconds over which a bar's speed is averaged for the time that is left


class TimeLeft:
    """The time that a list of jobs still needs, at the speed of those that are done."""

    def __init__(self, sizes: list[int], clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock.

        Args:
          sizes: of the jobs in their order, in any unit to which the time of a job is proportional.
          clock: returns seconds.
        """
        self._sizes, self._clock, self._begin = sizes, clock, clock()

    def share(self, job: int, part: float = 0.0) -> float:
        """Return the share of all work that is done, when `part` of the job with the index `job` is done."""
        return (sum(self._sizes[:job]) + part * self._sizes[job]) / sum(self._sizes)

    def text(self, job: int) -> str:
        """Return "job 3 of 12, about 5 min 00 s left", without a time before the first job."""
        place = f"job {job + 1} of {len(self._sizes)}"
        if job == 0:
            return place
        done = self.share(job)
        return f"{place}, about {duration((self._clock() - self._begin) * (1 - done) / done)} left"


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
        return partial(self.update, bar)

    def update(self, bar: TaskID, completed: float) -> None:
        """Set how much of a bar is completed."""
        self._progress.update(bar, completed=completed)

    def advance(self, bar: TaskID) -> None:
        """Advance a bar by one."""
        self._progress.advance(bar)

    def remove(self, bar: TaskID) -> None:
        """Remove a bar."""
        self._progress.remove_task(bar)

    def say(self, text: str) -> None:
        """Print a line of text unless there is a terminal, which shows bars instead."""
        if not self._console.is_terminal:
            self._console.print(text, highlight=False, soft_wrap=True)


@contextmanager
def progress_bars(show: bool) -> Iterator[Bars]:
    """Show progress bars inside the block.

    Args:
      show: False for silence.
    """
    console = Console(quiet=not show)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    silent = not (show and console.is_terminal)
    with Progress(*columns, *times, console=console, disable=silent, speed_estimate_period=_SPEED_PERIOD) as progress:
        yield Bars(console, progress)
