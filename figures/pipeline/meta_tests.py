"""Meta-tests of plans: one rule on several tasks, and batches of rules that share a process.

A meta-test is identified as the store of results identifies it, so each test runs once, whichever figure asks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from groove.dropin.find import find_rule
from groove.evaluation.jobs import Job
from groove.evaluation.jobs import plan as missing_jobs
from groove.evaluation.results import Results
from groove.evaluation.suites.registry import find_tasks
from groove.sweep.steps import MetaTraining, groove

GUESSED = {"smoke": 10.0, "laptop": 60.0, "paper": 3600.0}  # seconds of a rule on a task, before any was measured


@dataclass(frozen=True)
class MetaTest:
    """Meta-tests of one rule.

    Attributes:
      rule: a training, or a name that launch/meta_test.py takes.
      tasks: suites and single tasks.
      budget: budget of the meta-tests.
      seeds: agents on every level.
    """

    rule: MetaTraining | str
    tasks: tuple[str, ...]
    budget: str
    seeds: int

    @property
    def label(self) -> str:
        """Name of the method in figures."""
        return self.rule if isinstance(self.rule, str) else self.rule.label

    @property
    def paths(self) -> list[str]:
        """Paths of the single tasks, as in minatar/Breakout."""
        return [task.path for task in find_tasks(list(self.tasks))]

    def rule_name(self, runs: Path) -> str:
        """Return the rule as launch/meta_test.py takes it: a name, or LABEL=DIRECTORY."""
        return self.rule if isinstance(self.rule, str) else f"{self.rule.label}={runs / self.rule.name}"

    def rule_exists(self, runs: Path) -> bool:
        """Return whether the rule can be tested now."""
        return isinstance(self.rule, str) or self.rule.finished(runs)

    def missing(self, runs: Path, results: Path) -> list[str]:
        """Return the tasks whose results lack seeds; all tasks if the rule does not exist yet."""
        return [job.task.path for job in self.jobs(runs, results)] if self.rule_exists(runs) else self.paths

    def jobs(self, runs: Path, results: Path) -> list[Job]:
        """Return the cells that lack seeds; the rule must exist."""
        return [job for job in self._jobs(runs, Results(results)) if job.seeds]

    def cells(self, runs: Path) -> set[str]:
        """Return the digests under which the store holds the results; the rule must exist."""
        return {job.cell for job in self._jobs(runs, Results(runs), force=True)}  # force: reads no results

    def _jobs(self, runs: Path, results: Results, force: bool = False) -> list[Job]:
        rules = [find_rule(self.rule_name(runs))]
        return missing_jobs(find_tasks(list(self.tasks)), rules, self.budget, self.seeds, results, force)

    def seconds_left(self, runs: Path, results: Path) -> float:
        """Return the remaining seeds times the seconds that stored results of the same tasks took."""
        seconds = 0.0
        lines = Results(results).lines()
        for path in self.missing(runs, results):
            took = [
                line["provenance"]["seconds"] / len(line["seeds"])
                for line in lines
                if line["task"] == path and line["budget"] == self.budget
            ]
            seconds += self.seeds * sum(took) / len(took) if took else GUESSED[self.budget]
        return seconds


@dataclass(frozen=True)
class TestBatch:
    """Meta-tests of several rules in one process, which compiles shared programs once.

    Attributes:
      tests: tests of one budget and number of seeds that lack the same tasks.
      tasks: the tasks that they lack.
      jobs: the cells of these tasks.
    """

    tests: tuple[MetaTest, ...]
    tasks: tuple[str, ...]
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """Name shown while the process runs: the rules, and the tasks by suite."""
        labels = dict.fromkeys(job.rule.name for job in self.jobs)
        suites = Counter(task.split("/")[0] for task in self.tasks)
        return f"{', '.join(labels)} on {', '.join(f'{suite} ({count})' for suite, count in suites.items())}"

    def progress(self, results: Path) -> float:
        """Return the share of the cells whose results are stored."""
        stored = {(line["cell"], seed) for line in Results(results).lines() for seed in line["seeds"]}
        return sum((job.cell, job.seeds[-1]) in stored for job in self.jobs) / len(self.jobs)

    def command(self, runs: Path, results: Path) -> list[str]:
        """Return the command line; it uses all devices, and their number does not affect the results."""
        rules = ",".join(test.rule_name(runs) for test in self.tests)
        spent = {"budget": self.tests[0].budget, "seeds": self.tests[0].seeds}
        folders = {"results": results, "to": runs / "last"}
        return groove("meta-test", rules=rules, suite=",".join(self.tasks), **spent, **folders)


def batches(tests: Iterable[MetaTest], runs: Path, results: Path) -> list[TestBatch]:
    """Group the missing tests of existing rules into as few processes as possible."""
    groups: dict[tuple[tuple[str, ...], str, int], list[tuple[MetaTest, list[Job]]]] = {}
    for test in tests:
        if jobs := test.jobs(runs, results):
            lacking = tuple(job.task.path for job in jobs)
            groups.setdefault((lacking, test.budget, test.seeds), []).append((test, jobs))
    return [
        TestBatch(tuple(test for test, _ in group), tasks, tuple(job for _, jobs in group for job in jobs))
        for (tasks, _, _), group in groups.items()
    ]
