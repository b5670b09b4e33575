"""Plans of figures: finished steps are not repeated, and interrupted steps resume.

Each step is a process of its own. Every training has one device, so the number of jobs does not affect its result.
"""

from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from figures.pipeline.meta_tests import MetaTest, batches
from groove.sweep.executor import Executor
from groove.sweep.pool import Work, run_all
from groove.sweep.steps import Step
from groove.sweep.sweep import progress_bars, run_steps


@dataclass(frozen=True)
class Plan:
    """The work behind a figure.

    Attributes:
      stages: steps, stage by stage; a step may need the files of earlier stages.
      tests: meta-tests, which run after the last stage.
    """

    stages: tuple[tuple[Step, ...], ...]
    tests: tuple[MetaTest, ...]

    def __add__(self, other: "Plan") -> "Plan":
        """Return the plan of both, each shared step once; equal names are equal steps, whatever their labels."""
        stages = zip_longest(self.stages, other.stages, fillvalue=())
        return Plan(
            tuple(tuple({step.name: step for step in (*a, *b)}.values()) for a, b in stages),
            tuple(dict.fromkeys(self.tests + other.tests)),
        )


def describe(plan: Plan, runs: Path, results: Path, jobs: int) -> str:
    """Return the missing steps with their minutes, one line each, and the total."""
    steps = [step for stage in plan.stages for step in stage]
    rows = [(step.name, 0.0 if step.finished(runs) else step.seconds_left(runs) / jobs) for step in steps]
    rows += [
        (f"{test.rule_name(runs)} on {', '.join(test.tasks)}", test.seconds_left(runs, results)) for test in plan.tests
    ]
    lines = [f"{seconds / 60:7.1f} min  {name}" for name, seconds in rows if seconds]
    total = sum(seconds for _, seconds in rows) / 60
    done = len(rows) - len(lines)
    return "\n".join([*lines, f"{total:7.1f} min  in all; {done} of {len(rows)} are done"])


def carry_out(plan: Plan, runs: Path, results: Path, executor: Executor, jobs: int) -> None:
    """Run the missing steps, stage by stage, then the missing tests; may be stopped and called again.

    Args:
      plan: the steps and tests.
      runs: folder of the meta-training runs.
      results: folder of the meta-test results.
      executor: starts the steps.
      jobs: steps that run side by side.

    Raises:
      GrooveError: if a step or a test fails; the message names its log file.
    """
    with progress_bars() as bars:
        for stage in plan.stages:
            run_steps(stage, runs, executor, jobs, bars)
        tests = batches(plan.tests, runs, results)
        work = [Work(b.name, partial(b.command, runs, results), partial(b.progress, results)) for b in tests]
        run_all(work, runs, executor, 1, bars)  # one after another: only one process may append to a file of results
