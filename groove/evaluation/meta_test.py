"""Meta-testing: fresh agents learn tasks on which no rule was meta-trained, under each rule, from the same seeds."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import jax
from rich.progress import TaskID

from groove.dropin.find import find_rules
from groove.evaluation.comparisons.comparison import Comparison, compare_cells
from groove.evaluation.comparisons.report import Report, make_report
from groove.evaluation.jobs import Job, plan
from groove.evaluation.progress import Bars, TimeLeft, progress_bars
from groove.evaluation.results import Results
from groove.evaluation.suites.base import BUDGETS, Task
from groove.evaluation.suites.registry import SUITES, find_tasks
from groove.evaluation.tester import MetaTester
from groove.utils import parallel
from groove.utils.errors import check_name
from groove.utils.jax_flags import standard_flags
from groove.utils.limits import MOST_DEVICES, MOST_SEEDS, check_integer, check_switches
from groove.utils.paths import PathLike, check_folder, names_of, user_path


@standard_flags()
def meta_test(
    rules: PathLike | Iterable[PathLike],
    suites: str | Iterable[str],
    budget: str = "laptop",
    *,
    seeds: int = 5,
    results: PathLike = "results",
    to: PathLike | None = None,
    devices: int = 0,
    force: bool = False,
    progress: bool = True,
) -> Report:
    """Test rules on suites of tasks: train the agents that are not stored yet, and compare the rules.

    Results are stored after each rule and task, so that an interrupted meta-test continues when it is called again.

    Args:
      rules: run directories, rule files, released rules, "disco103=PATH", or "a2c", "ppo", "dpo", "random".
        "LABEL=RULE" shows a rule as LABEL; rules of one label are pooled, as the meta-seeds of one method.
      suites: suites or single tasks, as in "minatar" and "minatar/Breakout".
      budget: "smoke", "short", "laptop", "long" or "paper".
      seeds: agents of each rule on each level.
      results: the folder of stored results, which is added to.
      to: the folder of the table and the pictures; None for a folder in `results`, named after suites and budget.
      devices: number of local devices; 0 for all.
      force: train all agents again, although results are stored; the new results replace the old ones.
      progress: show progress.

    Returns:
      The comparison, its table, and the folder that was written.

    Raises:
      GrooveError: if a rule, suite, budget or number cannot work, an extra is missing, or a file cannot be read or
        written.
    """
    names = names_of(suites, "--suite")
    check_switches(force=force, progress=progress)
    _check_numbers(budget, seeds, devices)
    tasks = find_tasks(names)
    _require_extras(tasks)
    found = find_rules(names_of(rules, "--rules"))
    store = Results(user_path(results, "--results"))
    folder = _report_folder(names, budget, store) if to is None else user_path(to, "--to")
    check_folder(store.folder, "--results")
    check_folder(folder, "--to")
    parallel.request_devices(devices)
    parallel.start_backend()
    parallel.keep_compilations()
    for suite in dict.fromkeys(task.suite for task in tasks):
        SUITES[suite].require()
    jobs = plan(tasks, found, budget, seeds, store, force)
    tester = MetaTester(store, parallel.make_mesh(devices or jax.local_device_count()))
    with progress_bars(progress) as bars:
        _run(jobs, tester, bars)
    return make_report(_comparison(store, jobs), folder)


def _check_numbers(budget: str, seeds: int, devices: int) -> None:
    check_name("budget", budget, BUDGETS)
    check_integer("--seeds", seeds, MOST_SEEDS)
    check_integer("--devices", devices, MOST_DEVICES, least=0)


def _require_extras(tasks: Sequence[Task]) -> None:
    for suite in dict.fromkeys(task.suite for task in tasks):
        SUITES[suite].require_extra()


def _report_folder(suites: Sequence[str], budget: str, store: Results) -> Path:
    return store.folder / f"{'-'.join(suites).replace('/', '_')}-{budget}"


def _run(jobs: Sequence[Job], tester: MetaTester, bars: Bars) -> None:
    """Run the jobs that have missing seeds, task by task."""
    missing = [job for job in jobs if job.seeds]
    if not missing:
        return
    left = TimeLeft([job.env_steps for job in missing])
    whole, program = bars.add("meta-test, % of environment steps", 100), None
    for i, job in enumerate(missing):
        if program not in (None, job.task.program):
            tester.forget_programs()
        program, agents, name = job.task.program, job.agents, f"{job.task.path}, {job.rule.name}"
        bars.say(f"{name}: {agents} agents of {job.budget.updates} updates ({left.text(i)})")
        bar = bars.add(name, agents)

        def report(done: float, bar: TaskID = bar, i: int = i, agents: int = agents) -> None:
            bars.update(bar, done)
            bars.update(whole, 100 * left.share(i, done / agents))

        tester.run(job, report)
        bars.remove(bar)


def _comparison(store: Results, jobs: Sequence[Job]) -> Comparison:
    """Compare the cells of the jobs, under the names by which the rules were asked for this time."""
    by_cell = {cell.lines[-1]["cell"]: cell for cell in store.cells(job.cell for job in jobs)}
    return compare_cells([dataclasses.replace(by_cell[job.cell], rule=job.rule.name) for job in jobs])
