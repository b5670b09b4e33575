"""What a figure needs: meta-training runs and meta-tests, done once, in whatever figure they are asked for.

A training is named by a digest of its configuration, a test by what the store of results names it by. Finished ones
are not repeated, one that was cut off is resumed. Each is a process of its own, and as many run side by side as there
are jobs; every training has one device, so that the number of jobs decides nothing about its result.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from groove import config as configs
from groove.checks import validate
from groove.config import Config, ConfigError
from groove.meta_test import plan as missing_jobs
from groove.results import Results
from groove.rules import find_rule
from groove.suites import find_tasks

ROOT = Path(__file__).parents[1]
PRESET = {"smoke": "smoke", "laptop": "release", "paper": "paper"}  # scale -> of meta-training
GUESSED = {"smoke": 3.0, "release": 1.0, "laptop": 0.2, "paper": 1.0}  # seconds a meta-step, before any was measured
GUESSED_TEST = {"smoke": 10.0, "laptop": 60.0, "paper": 3600.0}  # seconds of one rule on one task, likewise


@dataclass(frozen=True)
class MetaTraining:
    """A meta-training run.

    Attributes:
      label: of the method, as figures show it; its meta-seeds share it.
      curriculum, seed, preset: as launch/meta_train.py takes them.
      overrides: FIELD=VALUE, as its --set takes them.
    """

    label: str
    curriculum: str
    seed: int
    preset: str
    overrides: tuple[str, ...] = ()

    @property
    def config(self) -> Config:
        """What the run computes.

        Raises:
          ConfigError: if it cannot run.
        """
        start = {"curriculum": self.curriculum, "seed": self.seed, "devices": 1, "run.minutes": 0.0}
        config = configs.replace_all(configs.preset(self.preset), start)
        for assignment in self.overrides:
            config = configs.override(config, assignment)
        validate(config)
        return config

    @property
    def name(self) -> str:
        """Of its directory: readable, and another one for every configuration."""
        text = json.dumps(configs.to_dict(self.config), sort_keys=True)
        readable = re.sub(r"[^\w.@-]+", "_", self.curriculum)[:40]
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
        command = [sys.executable, str(ROOT / "launch" / "meta_train.py"), "--run_dir", str(directory)]
        checkpoints = directory / "checkpoints"
        if checkpoints.is_dir() and any(path.name.isdigit() for path in checkpoints.iterdir()):
            return [*command, "--resume"]
        shutil.rmtree(directory, ignore_errors=True)  # it got nowhere
        command += ["--config", self.preset, "--curriculum", self.curriculum, "--seed", str(self.seed)]
        command += ["--devices", "1", "--minutes", "0"]
        return [*command, *(word for assignment in self.overrides for word in ("--set", assignment))]


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

    def missing(self, runs: Path, results: Path) -> list[str]:
        """Tasks that lack seeds; all of them as long as the rule is not there."""
        tasks = find_tasks(list(self.tasks))
        if isinstance(self.rule, MetaTraining) and not self.rule.finished(runs):
            return [task.path for task in tasks]
        jobs = missing_jobs(tasks, [find_rule(self.rule_name(runs))], self.budget, self.seeds, Results(results))
        return [job.task.path for job in jobs if job.seeds]

    def command(self, runs: Path, results: Path) -> list[str]:
        """What runs them."""
        return [
            *(sys.executable, str(ROOT / "launch" / "meta_test.py"), "--devices", "1"),
            *("--rules", self.rule_name(runs), "--suite", ",".join(self.missing(runs, results))),
            *("--budget", self.budget, "--seeds", str(self.seeds), "--results", str(results)),
            *("--to", str(results / "last")),
        ]


@dataclass(frozen=True)
class Plan:
    """What a figure needs, in the order it is done."""

    trainings: tuple[MetaTraining, ...]
    tests: tuple[MetaTest, ...]

    def __add__(self, other: "Plan") -> "Plan":
        """Both, what they share once."""
        return Plan(
            tuple(dict.fromkeys(self.trainings + other.trainings)), tuple(dict.fromkeys(self.tests + other.tests))
        )


def training_seconds(training: MetaTraining, runs: Path) -> float:
    """What is left of a training, by the speed of finished runs of the same preset, if there are any."""
    done = [json.loads(path.read_text()) for path in runs.glob(f"*-{training.preset}-*/summary.json")]
    each = sum(r["seconds"] for r in done) / sum(r["step"] for r in done) if done else GUESSED[training.preset]
    return 0.0 if training.finished(runs) else each * (training.config.run.steps - training.steps_done(runs))


def test_seconds(test: MetaTest, runs: Path, results: Path) -> float:
    """What is left of a test, by what the same tasks took before, if they were run."""
    seconds = 0.0
    lines = Results(results).lines()
    for path in test.missing(runs, results):
        took = [
            line["provenance"]["seconds"] / len(line["seeds"])
            for line in lines
            if line["task"] == path and line["budget"] == test.budget
        ]
        seconds += test.seeds * sum(took) / len(took) if took else GUESSED_TEST[test.budget]
    return seconds


def describe(plan: Plan, runs: Path, results: Path, jobs: int) -> str:
    """What is still to be done and what it takes, a line each."""
    rows = [(f"train {t.name}", training_seconds(t, runs)) for t in plan.trainings]
    rows += [(f"test  {t.rule_name(runs)} on {', '.join(t.tasks)}", test_seconds(t, runs, results)) for t in plan.tests]
    lines = [f"{seconds / 60:7.1f} min  {name}" for name, seconds in rows if seconds]
    total = sum(seconds for _, seconds in rows) / 60 / jobs
    done = len(rows) - len(lines)
    return "\n".join([*lines, f"{total:7.1f} min  in all, {jobs} side by side; {done} of {len(rows)} are done"])


def carry_out(plan: Plan, runs: Path, results: Path, jobs: int) -> None:
    """Runs what is missing, trainings first; may be stopped and called again.

    Raises:
      ConfigError: if a training or a test fails; it says where its output is.
    """
    runs.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    console = Console()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        trainings = [t for t in plan.trainings if not t.finished(runs)]
        _run_all([(t.name, t.command(runs), _TrainingWatch(t, runs)) for t in trainings], runs, jobs, bars)
        tests = [t for t in plan.tests if t.missing(runs, results)]
        # one after another: lines of one file of results are appended by one process at a time
        _run_all([(t.rule_name(runs), t.command(runs, results), None) for t in tests], runs, 1, bars)


class _TrainingWatch:
    """How far a training has come."""

    def __init__(self, training: MetaTraining, runs: Path) -> None:
        self.training, self.runs, self.steps = training, runs, training.config.run.steps

    def __call__(self) -> float:
        return self.training.steps_done(self.runs) / self.steps


def _run_all(
    work: Sequence[tuple[str, list[str], _TrainingWatch | None]], runs: Path, jobs: int, bars: Progress
) -> None:
    waiting, running = list(work), list[tuple[str, subprocess.Popen[bytes], _TrainingWatch | None, TaskID]]()
    whole = bars.add_task("all", total=max(len(work), 1), left="")
    start, finished = time.monotonic(), 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name, command, watch = waiting.pop(0)
                bars.console.print(f"{len(work) - len(waiting)} of {len(work)}: {name}", highlight=False)
                with (runs / "last.log").open("wb") as log:
                    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
                running.append((name, process, watch, bars.add_task(name, total=1.0, left="")))
            time.sleep(0.5)
            for row in list(running):
                name, process, watch, bar = row
                if watch is not None:
                    bars.update(bar, completed=watch())
                if process.poll() is None:
                    continue
                running.remove(row)
                bars.remove_task(bar)
                if process.returncode:
                    raise ConfigError(f"{name} failed ({' '.join(process.args)}); its output is in {runs}/last.log.")  # type: ignore[arg-type]
                finished += 1
                left = (time.monotonic() - start) / finished * (len(work) - finished) / 60
                bars.update(whole, completed=finished, left=f"{left:.0f} min left")
    finally:
        for _, process, _, _ in running:
            process.terminate()
        for _, process, _, _ in running:
            process.wait()
