"""Processes that run side by side, with progress bars; the first failure stops all of them."""

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.progress import Progress, TaskID

from groove.sweep.executor import Executor, Job, wait_for, was_killed
from groove.utils.errors import GrooveError

POLL_SECONDS = 0.5
LOOK_SECONDS = 5.0  # between looks at the progress of the processes, which read their files
LOSSES = 3  # times that a process is started again after it was killed or its machine was lost


class Work(NamedTuple):
    """A process to run.

    Attributes:
      name: name shown beside its progress bar.
      command: returns its command line; called whenever the process starts, so that it can go on where it stopped.
      progress: returns the finished share of its work, in [0, 1].
      finished: returns whether its work is complete, after it exited without an error. A process that was asked to stop
        also exits so.
    """

    name: str
    command: Callable[[], list[str]]
    progress: Callable[[], float]
    finished: Callable[[], bool] = lambda: True


class _Running(NamedTuple):
    work: Work
    job: Job
    bar: TaskID
    losses: int


class _Pool:
    """The processes that wait and those that run."""

    def __init__(self, work: Sequence[Work], logs: Path, executor: Executor, jobs: int, bars: Progress) -> None:
        self.work, self.logs, self.executor, self.jobs, self.bars = work, logs, executor, jobs, bars
        self.waiting, self.running, self.finished = list(work), list[_Running](), 0
        self.whole = bars.add_task("all", total=max(len(work), 1), left="")
        self.started, self.looked = time.monotonic(), 0.0

    def run(self) -> None:
        try:
            while self.waiting or self.running:
                while self.waiting and len(self.running) < self.jobs:
                    self.begin(self.waiting.pop(0))
                time.sleep(POLL_SECONDS)
                self.look()
                for each in list(self.running):
                    code = each.job.exit_code()
                    if code is not None:
                        self.end(each, code)
        finally:
            for each in self.running:  # all at once: each of them may save for a while
                each.job.stop()
            for each in self.running:
                wait_for(each.job)

    def begin(self, work: Work) -> None:
        number = len(self.work) - len(self.waiting)
        self.say(f"{number} of {len(self.work)}: {work.name}")
        self.start(work, self.bars.add_task(work.name, total=1.0, left=""), losses=0)

    def start(self, work: Work, bar: TaskID, losses: int) -> None:
        job = self.executor.start(work.command(), work.name, self.log(work))
        self.running.append(_Running(work, job, bar, losses))

    def look(self) -> None:
        if time.monotonic() - self.looked > LOOK_SECONDS:
            self.looked = time.monotonic()
            for each in self.running:
                self.bars.update(each.bar, completed=each.work.progress())

    def end(self, each: _Running, code: int) -> None:
        self.running.remove(each)
        stopped = code == 0 and not each.work.finished()
        if (stopped or was_killed(code)) and each.losses < LOSSES:
            what = "was stopped" if stopped else "was killed or its machine is gone"
            self.say(f"{each.work.name} {what}: it goes on ({each.losses + 1} of {LOSSES})")
            self.start(each.work, each.bar, each.losses + 1)
            return
        self.bars.remove_task(each.bar)
        log = self.log(each.work)
        if stopped:
            raise GrooveError(f"{each.work.name} ended before its work was complete: read {log}, then run this again.")
        if code:
            raise GrooveError(f"{each.work.name} failed with exit code {code}: read {log}, then run this again.")
        self.finished += 1
        minutes = (time.monotonic() - self.started) / self.finished * (len(self.work) - self.finished) / 60
        self.bars.update(self.whole, completed=self.finished, left=f"{minutes:.0f} min left")

    def say(self, text: str) -> None:
        self.bars.console.print(text, highlight=False)

    def log(self, work: Work) -> Path:
        return self.logs / f"{hashlib.sha256(work.name.encode()).hexdigest()[:8]}.log"


def run_all(work: Sequence[Work], logs: Path, executor: Executor, jobs: int, bars: Progress) -> None:
    """Run processes, at most `jobs` at once, and show their progress and the minutes left.

    A process that is killed or stopped, or whose machine is lost, is started again, three times at most. Ctrl-C,
    SIGTERM and SIGHUP stop all processes, on whatever machine, before they end this one.

    Args:
      work: the processes, in the order in which they start.
      logs: folder that receives one log file per process.
      executor: starts the processes.
      jobs: processes that run side by side.
      bars: the display.

    Raises:
      GrooveError: if a process fails; the message names its log file.
    """
    logs.mkdir(parents=True, exist_ok=True)
    with _signals_interrupt():
        _Pool(work, logs, executor, jobs, bars).run()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP inside the block raise KeyboardInterrupt, as Ctrl-C does.

    Python delivers signals to the main thread only. A signal that is ignored, as SIGHUP under nohup, stays ignored.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGTERM, signal.SIGHUP) if main else ()
    handlers = {n: signal.signal(n, interrupt) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
