"""Carries out what a figure needs: finished steps are not repeated, and one that was cut off is resumed.

Each step is a process of its own, and as many run side by side as there are jobs; every training has one device, so
that the number of jobs decides nothing about its result.
"""

import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from figures.pipeline.steps import MetaTest, Step, batches
from groove.utils.errors import ConfigError

LOOK_EVERY = 5.0  # seconds between looks at how far steps are, which reads their files


@dataclass(frozen=True)
class Plan:
    """What a figure needs: steps, stage by stage, each of which needs what those before it leave; then tests."""

    stages: tuple[tuple[Step, ...], ...]
    tests: tuple[MetaTest, ...]

    def __add__(self, other: "Plan") -> "Plan":
        """Both, what they share once; steps are told apart by name, whatever figures call the method."""
        stages = zip_longest(self.stages, other.stages, fillvalue=())
        return Plan(
            tuple(tuple({step.name: step for step in (*a, *b)}.values()) for a, b in stages),
            tuple(dict.fromkeys(self.tests + other.tests)),
        )


def describe(plan: Plan, runs: Path, results: Path, jobs: int) -> str:
    """What is still to be done and what it takes, a line each."""
    steps = [step for stage in plan.stages for step in stage]
    rows = [(step.name, 0.0 if step.finished(runs) else step.seconds(runs) / jobs) for step in steps]
    rows += [(f"{t.rule_name(runs)} on {', '.join(t.tasks)}", t.seconds(runs, results)) for t in plan.tests]
    lines = [f"{seconds / 60:7.1f} min  {name}" for name, seconds in rows if seconds]
    total = sum(seconds for _, seconds in rows) / 60
    done = len(rows) - len(lines)
    return "\n".join([*lines, f"{total:7.1f} min  in all; {done} of {len(rows)} are done"])


def carry_out(plan: Plan, runs: Path, results: Path, jobs: int) -> None:
    """Runs what is missing, stage by stage; may be stopped and called again.

    Raises:
      ConfigError: if a step or a test fails; it says where its output is.
    """
    runs.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    console = Console()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        for stage in plan.stages:
            steps = [step for step in stage if not step.finished(runs)]
            _run_all([(s.name, partial(s.command, runs), partial(s.done, runs)) for s in steps], runs, jobs, bars)
        # one after another, as one process at a time appends to a file of results
        tests = batches(plan.tests, runs, results)
        _run_all([(b.name, partial(b.command, runs, results), partial(b.done, results)) for b in tests], runs, 1, bars)


def _run_all(
    work: Sequence[tuple[str, Callable[[], list[str]], Callable[[], float]]],
    runs: Path,
    jobs: int,
    bars: Progress,
) -> None:
    """Runs (name, command, share done) as processes, so many at once; shows how far they are and the time left."""
    waiting, running = list(work), list[tuple[str, subprocess.Popen[bytes], Callable[[], float], TaskID]]()
    whole = bars.add_task("all", total=max(len(work), 1), left="")
    start, looked, finished = time.monotonic(), 0.0, 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name, command, share = waiting.pop(0)
                bars.console.print(f"{len(work) - len(waiting)} of {len(work)}: {name}", highlight=False)
                process = subprocess.Popen(command(), stdout=_log(runs, name).open("wb"), stderr=subprocess.STDOUT)
                running.append((name, process, share, bars.add_task(name, total=1.0, left="")))
            time.sleep(0.5)
            look = time.monotonic() - looked > LOOK_EVERY
            looked = time.monotonic() if look else looked
            for row in list(running):
                name, process, share, bar = row
                if look:
                    bars.update(bar, completed=share())
                if process.poll() is None:
                    continue
                running.remove(row)
                bars.remove_task(bar)
                if process.returncode:
                    raise ConfigError(f"{name} failed with exit code {process.returncode}: see {_log(runs, name)}.")
                finished += 1
                left = (time.monotonic() - start) / finished * (len(work) - finished) / 60
                bars.update(whole, completed=finished, left=f"{left:.0f} min left")
    finally:
        for _, process, _, _ in running:
            process.terminate()
        for _, process, _, _ in running:
            process.wait()


def _log(runs: Path, name: str) -> Path:
    """Where a process of this name writes what it says."""
    return runs / f"{hashlib.sha256(name.encode()).hexdigest()[:8]}.log"
