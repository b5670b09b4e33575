"""The steps that figures are planned of: meta-training runs, sets of levels, meta-tests.

A training is named by a digest of its configuration, a test by what the store of results names it by, so that whatever
figure asks for it, it is done once.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from groove.dropin.find import find_rule
from groove.evaluation.meta_test import Job
from groove.evaluation.meta_test import plan as missing_jobs
from groove.evaluation.results import Results
from groove.evaluation.suites import find_tasks
from groove.training.config import Config
from groove.training.presets import preset
from groove.training.validate import validate
from groove.utils.typed_fields import assign, replace_all, to_dict

ROOT = Path(__file__).parents[2]
GUESSED = {"smoke": 3.0, "release": 1.0, "laptop": 0.2, "paper": 1.0}  # seconds a meta-step, before any was measured
GUESSED_TEST = {"smoke": 10.0, "laptop": 60.0, "paper": 3600.0}  # seconds of one rule on one task, likewise


def program(name: str) -> str:
    """A program of this project, from where we are: results remember commands, and have no use for where it lies."""
    return os.path.relpath(ROOT / name)


class Step(Protocol):
    """Something to be done once, by a command that leaves something in the folder of runs."""

    @property
    def name(self) -> str:
        """What it leaves there."""

    def finished(self, runs: Path) -> bool:
        """Whether there is nothing left to do."""

    def done(self, runs: Path) -> float:
        """The share of it that is done, in [0, 1]."""

    def seconds(self, runs: Path) -> float:
        """What is left of it."""

    def command(self, runs: Path) -> list[str]:
        """What starts it, or goes on with it."""


@dataclass(frozen=True)
class MetaTraining:
    """A meta-training run.

    Attributes:
      label: of the method, as figures show it; its meta-seeds share it.
      curriculum, seed, preset: as launch/meta_train.py takes them.
      overrides: FIELD=VALUE, as its --set takes them.
      levels: a set whose file the curriculum ends with; made before.
    """

    label: str
    curriculum: str
    seed: int
    preset: str
    overrides: tuple[str, ...] = ()
    levels: "FirstLevels | None" = None

    @property
    def config(self) -> Config:
        """What the run computes; levels by the name of their file, wherever it lies.

        Raises:
          ConfigError: if it cannot run.
        """
        curriculum = self.curriculum + (self.levels.name if self.levels else "")
        start = {"curriculum": curriculum, "seed": self.seed, "devices": 1, "run.minutes": 0.0}
        config = replace_all(preset(self.preset), start)
        for assignment in self.overrides:
            config = assign(config, assignment)
        validate(config)
        return config

    @property
    def name(self) -> str:
        """Of its directory: readable, and another one for every configuration."""
        text = json.dumps(to_dict(self.config), sort_keys=True)
        levels = f"{self.levels.keep}_hardest" if self.levels else ""
        readable = re.sub(r"[^\w.@-]+", "_", self.curriculum + levels)
        return f"{readable}-{self.preset}-{self.seed}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def steps_done(self, runs: Path) -> int:
        """Meta-steps that are logged."""
        log = runs / self.name / "metrics.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return max((json.loads(line)["step"] for line in lines if line.endswith("}")), default=0)

    def finished(self, runs: Path) -> bool:
        """Whether there is nothing left to do."""
        summary = runs / self.name / "summary.json"
        return summary.exists() and json.loads(summary.read_text())["step"] >= self.config.run.steps

    def command(self, runs: Path) -> list[str]:
        """What starts it, or goes on with it."""
        directory = runs / self.name
        command = [sys.executable, program("launch/meta_train.py"), "--run_dir", str(directory)]
        checkpoints = directory / "checkpoints"
        if checkpoints.is_dir() and any(path.name.isdigit() for path in checkpoints.iterdir()):
            return [*command, "--resume"]
        shutil.rmtree(directory, ignore_errors=True)  # it got nowhere
        curriculum = self.curriculum + (str(self.levels.file(runs)) if self.levels else "")
        command += ["--config", self.preset, "--curriculum", curriculum, "--seed", str(self.seed)]
        command += ["--devices", "1", "--minutes", "0"]
        return [*command, *(word for assignment in self.overrides for word in ("--set", assignment))]

    def done(self, runs: Path) -> float:
        """The share of its meta-steps that is logged."""
        return self.steps_done(runs) / self.config.run.steps

    def seconds(self, runs: Path) -> float:
        """What is left of it, by the speed of finished runs of the same preset, if there are any."""
        ended = [json.loads(path.read_text()) for path in runs.glob(f"*-{self.preset}-*/summary.json")]
        each = sum(r["seconds"] for r in ended) / sum(r["step"] for r in ended) if ended else GUESSED[self.preset]
        return each * (self.config.run.steps - self.steps_done(runs))


@dataclass(frozen=True)
class HardLevels:
    """Random gridworlds on which a rule falls furthest short of A2C: those of highest algorithmic regret.

    Attributes:
      rule: trained before.
      scored: levels that are looked at.
      keep: the hardest of them, hardest first.
    """

    rule: MetaTraining
    scored: int
    keep: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"levels-{self.scored}-{self.keep}-{self.rule.name}"

    def file(self, runs: Path) -> Path:
        """The level set."""
        return runs / self.name / "worst.safetensors"

    def finished(self, runs: Path) -> bool:
        """Whether it is there."""
        return self.file(runs).exists()

    def done(self, runs: Path) -> float:
        """Nothing or all."""
        return float(self.finished(runs))

    def seconds(self, runs: Path) -> float:
        """Guessed: two lifetimes on every level."""
        return 0.1 * self.scored

    def command(self, runs: Path) -> list[str]:
        """What scores them."""
        return [
            *(sys.executable, program("launch/diagnose.py"), "--rule", str(runs / self.rule.name)),
            *("--levels", str(self.scored), "--worst", str(self.keep), "--seeds", "1", "--devices", "1"),
            *("--to", str(runs / self.name)),
        ]


@dataclass(frozen=True)
class FirstLevels:
    """The first so many of a set, with the lifetimes that other levels are trained on with.

    Attributes:
      source: the set; scored at one lifetime.
      keep: how many.
      lifetimes: shortest and longest.
    """

    source: HardLevels
    keep: int
    lifetimes: tuple[int, int]

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.source.name}-{self.keep}-{'-'.join(map(str, self.lifetimes))}.safetensors"

    def file(self, runs: Path) -> Path:
        """The level set."""
        return runs / self.name

    def finished(self, runs: Path) -> bool:
        """Whether it is there."""
        return self.file(runs).exists()

    def done(self, runs: Path) -> float:
        """Nothing or all."""
        return float(self.finished(runs))

    def seconds(self, runs: Path) -> float:
        """Next to none."""
        return 3.0

    def command(self, runs: Path) -> list[str]:
        """What cuts it off."""
        return [
            *(sys.executable, program("launch/levels.py"), "export", "--from", str(self.source.file(runs))),
            *("--top", str(self.keep), "--lifetimes", ",".join(map(str, self.lifetimes)), "--to", str(self.file(runs))),
        ]


@dataclass(frozen=True)
class MetaTest:
    """Meta-tests of one rule.

    Attributes:
      rule: a training, or a name that groove.rules.find_rule reads.
      tasks: suites and single tasks.
      budget: of the meta-test.
      seeds: agents on every level.
    """

    rule: MetaTraining | str
    tasks: tuple[str, ...]
    budget: str
    seeds: int

    def rule_name(self, runs: Path) -> str:
        """As launch/meta_test.py takes it, under the label of the method."""
        return self.rule if isinstance(self.rule, str) else f"{self.rule.label}={runs / self.rule.name}"

    @property
    def paths(self) -> list[str]:
        """Of the tasks."""
        return [task.path for task in find_tasks(list(self.tasks))]

    def rule_is_there(self, runs: Path) -> bool:
        """Whether it could be tested now."""
        return isinstance(self.rule, str) or self.rule.finished(runs)

    def missing(self, runs: Path, results: Path) -> list[str]:
        """Tasks that lack seeds; all of them as long as the rule is not there."""
        return [job.task.path for job in self.jobs(runs, results)] if self.rule_is_there(runs) else self.paths

    def jobs(self, runs: Path, results: Path) -> list[Job]:
        """Cells that lack seeds; the rule must be there."""
        return [job for job in self._jobs(runs, Results(results)) if job.seeds]

    def cells(self, runs: Path) -> set[str]:
        """What the store knows the results by; the rule must be there."""
        return {job.cell for job in self._jobs(runs, Results(runs), force=True)}  # which reads no results

    def _jobs(self, runs: Path, results: Results, force: bool = False) -> list[Job]:
        rules = [find_rule(self.rule_name(runs))]
        return missing_jobs(find_tasks(list(self.tasks)), rules, self.budget, self.seeds, results, force)

    def seconds(self, runs: Path, results: Path) -> float:
        """What is left of it, by what the same tasks took before, if they were run."""
        seconds = 0.0
        lines = Results(results).lines()
        for path in self.missing(runs, results):
            took = [
                line["provenance"]["seconds"] / len(line["seeds"])
                for line in lines
                if line["task"] == path and line["budget"] == self.budget
            ]
            seconds += self.seeds * sum(took) / len(took) if took else GUESSED_TEST[self.budget]
        return seconds


@dataclass(frozen=True)
class TestBatch:
    """Meta-tests of several rules in one process, which compiles once what they share.

    Attributes:
      tests: of one budget and number of seeds, that lack the same tasks.
      tasks: those.
      jobs: their cells.
    """

    tests: tuple[MetaTest, ...]
    tasks: tuple[str, ...]
    jobs: tuple[Job, ...]

    @property
    def name(self) -> str:
        """What is shown of it."""
        labels = dict.fromkeys(job.rule.name for job in self.jobs)
        suites = Counter(task.split("/")[0] for task in self.tasks)
        return f"{', '.join(labels)} on {', '.join(f'{suite} ({count})' for suite, count in suites.items())}"

    def done(self, results: Path) -> float:
        """The share of its cells that is stored."""
        stored = {(line["cell"], seed) for line in Results(results).lines() for seed in line["seeds"]}
        return sum((job.cell, job.seeds[-1]) in stored for job in self.jobs) / len(self.jobs)

    def command(self, runs: Path, results: Path) -> list[str]:
        """What runs them; agents are shared out over all devices, which decides nothing about them."""
        rules = ",".join(test.rule_name(runs) for test in self.tests)
        return [
            *(sys.executable, program("launch/meta_test.py"), "--rules", rules),
            *("--suite", ",".join(self.tasks), "--budget", self.tests[0].budget, "--seeds", str(self.tests[0].seeds)),
            *("--results", str(results), "--to", str(runs / "last")),
        ]


def batches(tests: Iterable[MetaTest], runs: Path, results: Path) -> list[TestBatch]:
    """What is missing of meta-tests whose rules are there, in as few processes as can be."""
    groups: dict[tuple[tuple[str, ...], str, int], list[tuple[MetaTest, list[Job]]]] = {}
    for test in tests:
        if jobs := test.jobs(runs, results):
            lacking = tuple(job.task.path for job in jobs)
            groups.setdefault((lacking, test.budget, test.seeds), []).append((test, jobs))
    return [
        TestBatch(tuple(test for test, _ in group), tasks, tuple(job for _, jobs in group for job in jobs))
        for (tasks, _, _), group in groups.items()
    ]
