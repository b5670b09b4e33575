"""Processes that run side by side, with progress bars; the first failure stops all of them."""

import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress, TaskID

from groove.utils.errors import GrooveError

POLL_SECONDS = 0.5
LOOK_SECONDS = 5.0  # between looks at the progress of the processes, which read their files


class Work(NamedTuple):
    """A process to run.

    Attributes:
      name: name shown beside its progress bar.
      command: returns its command line; called when the process starts.
      progress: returns the finished share of its work, in [0, 1].
    """

    name: str
    command: Callable[[], list[str]]
    progress: Callable[[], float]


class _Running(NamedTuple):
    work: Work
    process: subprocess.Popen[bytes]
    bar: TaskID


class _Pool:
    """The processes that wait and those that run."""

    def __init__(self, work: Sequence[Work], logs: Path, jobs: int, bars: Progress) -> None:
        self.work, self.logs, self.jobs, self.bars = work, logs, jobs, bars
        self.waiting, self.running, self.finished = list(work), list[_Running](), 0
        self.whole = bars.add_task("all", total=max(len(work), 1), left="")
        self.started, self.looked = time.monotonic(), 0.0

    def run(self) -> None:
        try:
            while self.waiting or self.running:
                self.fill()
                time.sleep(POLL_SECONDS)
                self.look()
                for each in list(self.running):
                    if each.process.poll() is not None:
                        self.end(each)
        finally:
            self.stop()

    def fill(self) -> None:
        while self.waiting and len(self.running) < self.jobs:
            work = self.waiting.pop(0)
            number = len(self.work) - len(self.waiting)
            self.bars.console.print(f"{number} of {len(self.work)}: {work.name}", highlight=False)
            with self.log(work).open("wb") as output:
                process = subprocess.Popen(work.command(), stdout=output, stderr=subprocess.STDOUT)
            self.running.append(_Running(work, process, self.bars.add_task(work.name, total=1.0, left="")))

    def look(self) -> None:
        if time.monotonic() - self.looked > LOOK_SECONDS:
            self.looked = time.monotonic()
            for each in self.running:
                self.bars.update(each.bar, completed=each.work.progress())

    def end(self, each: _Running) -> None:
        self.running.remove(each)
        self.bars.remove_task(each.bar)
        if each.process.returncode:
            code, log = each.process.returncode, self.log(each.work)
            raise GrooveError(f"{each.work.name} failed with exit code {code}: read {log}, then run this again.")
        self.finished += 1
        minutes = (time.monotonic() - self.started) / self.finished * (len(self.work) - self.finished) / 60
        self.bars.update(self.whole, completed=self.finished, left=f"{minutes:.0f} min left")

    def stop(self) -> None:
        for each in self.running:
            each.process.terminate()
        for each in self.running:
            each.process.wait()

    def log(self, work: Work) -> Path:
        return self.logs / f"{hashlib.sha256(work.name.encode()).hexdigest()[:8]}.log"


def run_all(work: Sequence[Work], logs: Path, jobs: int, bars: Progress) -> None:
    """Run processes, at most `jobs` at once, and show their progress and the minutes left.

    Args:
      work: the processes, in the order in which they start.
      logs: folder that receives one log file per process.
      jobs: processes that run side by side.
      bars: the display.

    Raises:
      GrooveError: if a process fails; the message names its log file.
    """
    _Pool(work, logs, jobs, bars).run()
