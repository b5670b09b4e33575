"""What launch/meta_test.py and launch/compare.py call. Complaints are one line each, and exit code 2."""

import dataclasses
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jax
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

from groove.cli.meta_train import CACHE
from groove.dropin.find import find_rules
from groove.envs.gridworld.level_file import save_levels
from groove.envs.gridworld.render import draw_levels
from groove.evaluation.compare import Comparison, as_json, compare
from groove.evaluation.compare_plots import draw_aggregates, draw_learning_curves, draw_profile, markdown
from groove.evaluation.diagnose import Diagnosis, diagnose, draw_diagnosis
from groove.evaluation.meta_test import Job, MetaTester, plan
from groove.evaluation.results import Results
from groove.evaluation.suites import BUDGETS, SUITES, Task, find_tasks
from groove.utils import parallel
from groove.utils.errors import ConfigError, nearest
from groove.utils.io import write_json

_DRAWN = 24  # of the worst levels
_EXTRAS = {"arcade": "jumanji", "jaxtari": "jaxtari", "atari": "ale_py"}  # extra -> what it brings


def meta_test(
    *,
    rules: Sequence[str],
    suites: Sequence[str],
    budget: str = "laptop",
    seeds: int = 5,
    results: str = "results",
    to: str | None = None,
    devices: int = 0,
    force: bool = False,
) -> int:
    """Tests rules on suites, stores what is missing, and draws the comparison; returns the exit code.

    Args:
      rules: names, as groove.rules.find_rule reads them.
      suites: names, as groove.suites.find_tasks reads them.
      budget: "smoke", "laptop" or "paper".
      seeds: agents of every rule on every level.
      results: the folder of results, added to.
      to: the folder of the table and the pictures; by default a folder of `results` named after suites and budget.
      devices: local devices; 0 for all.
      force: runs again what is stored; the new results count.
    """
    try:
        _check(budget, seeds)
        tasks = find_tasks(list(suites))
        _require_extras(tasks)
        found = find_rules(list(rules))
        parallel.request_devices(devices)
        parallel.keep_compilations(CACHE)
        for suite in dict.fromkeys(task.suite for task in tasks):
            SUITES[suite].require()  # may start the backend
        store = Results(results)
        jobs = plan(tasks, found, budget, seeds, store, force)
        tester = MetaTester(store, parallel.make_mesh(devices or parallel.usable_devices(10**9)))
        _run(jobs, tester)
        comparison = _comparison(store, jobs)
        folder = Path(to or Path(results) / f"{'-'.join(suites).replace('/', '_')}-{budget}")
        write_report(comparison, folder)
        _show(comparison, folder)
    except (ValueError, OSError) as error:
        for line in str(error).splitlines():
            print(f"groove: {line}", file=sys.stderr)
        return 2
    return 0


def compare_results(results: str, budget: str, to: str, rules: Sequence[str] = (), suites: Sequence[str] = ()) -> int:
    """Draws stored results together; returns the exit code.

    Args:
      results: the folder of results.
      budget: of them.
      to: the folder of the table and the pictures.
      rules: as they were shown when they were tested, in the order of the columns; all by default.
      suites: suites or single tasks; all by default.
    """
    try:
        cells = [cell for cell in Results(results).cells() if cell.budget == budget]
        known = {cell.rule for cell in cells}
        for rule in rules:
            if rule not in known:
                raise ConfigError(f'{results} holds no results of "{rule}"{nearest(rule, known)} at budget {budget}.')
        tasks = {task.path for task in find_tasks(list(suites))} if suites else {cell.task for cell in cells}
        chosen = [c for c in cells if c.task in tasks and (not rules or c.rule in rules)]
        comparison = compare(sorted(chosen, key=lambda cell: rules.index(cell.rule)) if rules else chosen)
        write_report(comparison, Path(to))
        _show(comparison, Path(to))
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    return 0


def diagnose_rule(*, rule: str, levels: int, seeds: int, updates: int, worst: int, to: str, devices: int = 0) -> int:
    """Finds out where a rule falls short of A2C; returns the exit code.

    Args:
      rule: as groove.rules.find_rule reads it.
      levels: random gridworlds.
      seeds: agents of each rule on every level.
      updates: their lifetimes.
      worst: levels to export.
      to: the folder of heat_maps.png, worst.png and worst.safetensors, which `--curriculum set:FILE` takes.
      devices: local devices; 0 for all.
    """
    try:
        for name, value in {"levels": levels, "seeds": seeds, "updates": updates, "worst": worst}.items():
            if value < 1:
                raise ConfigError(f"--{name} = {value} must be positive.")
        found, a2c = find_rules([rule])[0], find_rules(["a2c"])[0]
        parallel.request_devices(devices)
        parallel.keep_compilations(CACHE)
        (task,) = find_tasks(["gridworld/random"])
        budget = dataclasses.replace(task.budgets["laptop"], levels=levels, updates=updates)
        mesh = parallel.make_mesh(devices or parallel.usable_devices(10**9))
        with _bars(Console()) as bars:
            rows = [bars.add_task(name, total=levels * seeds) for name in (found.name, "a2c")]
            reports = [partial(_completed, bars, row) for row in rows]
            diagnosis = diagnose(found, a2c, task, budget, seeds, mesh, reports)
        _write_diagnosis(diagnosis, Path(to), worst)
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    ratio = diagnosis.rule.mean() / diagnosis.a2c.mean()
    print(f"{found.name}: {ratio:.2f} of A2C's return on {levels} random levels; heat maps and worst levels in {to}")
    return 0


def _write_diagnosis(diagnosis: Diagnosis, folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draw_diagnosis(diagnosis, folder / "heat_maps.png")
    worst = diagnosis.worst(count)
    save_levels(folder / "worst.safetensors", worst)
    shown = worst.take(range(min(count, _DRAWN, len(worst))))
    levels = [jax.tree.map(lambda x, i=i: x[i], shown.levels) for i in range(len(shown))]
    draw_levels(levels, [f"behind by {score:.2f}" for score in shown.scores], shown.sizes, folder / "worst.png")


def list_suites() -> str:
    """The suites and their tasks, a few lines each."""
    lines = []
    for name, suite in SUITES.items():
        extra = f' (pip install "groove-rl[{suite.extra}]")' if suite.extra else ""
        lines += [f"{name}: {suite.about}{extra}"]
        for task in suite.tasks.values():
            spent = ", ".join(
                f"{budget} {b.levels} x {b.updates * b.rollout:,}" for budget, b in sorted(task.budgets.items())
            )
            lines.append(f"    {task.path:34} levels x steps: {spent}")
    return "\n".join(lines)


def write_report(comparison: Comparison, folder: Path) -> None:
    """table.md, comparison.json, curves.png and, where scores are normalised, aggregate.png and profile.png."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(markdown(comparison))
    write_json(folder / "comparison.json", as_json(comparison))
    draw_learning_curves(comparison, folder / "curves.png")
    if comparison.scores:
        draw_aggregates(comparison, folder / "aggregate.png")
        draw_profile(comparison, folder / "profile.png")


def _check(budget: str, seeds: int) -> None:
    if budget not in BUDGETS:
        raise ConfigError(f'unknown budget "{budget}"{nearest(budget, BUDGETS)}; there are {", ".join(BUDGETS)}.')
    if seeds < 1:
        raise ConfigError(f"--seeds = {seeds} must be positive.")


def _require_extras(tasks: Sequence[Task]) -> None:
    for suite in dict.fromkeys(task.suite for task in tasks):
        extra = SUITES[suite].extra
        if extra and importlib.util.find_spec(_EXTRAS[extra]) is None:
            raise ConfigError(f'the suite {suite} needs an extra: pip install "groove-rl[{extra}]".')


def _run(jobs: Sequence[Job], tester: MetaTester) -> None:
    missing = [job for job in jobs if job.seeds]
    if not missing:
        return
    before = None
    console = Console()
    with _bars(console) as bars:
        whole = bars.add_task("meta-test", total=len(jobs), completed=len(jobs) - len(missing))
        for job in missing:
            if before not in (None, job.task.program):
                tester.forget_programs()
            before = job.task.program
            agents = len(job.seeds) * job.budget.levels
            name = f"{job.task.path}, {job.rule.name}"
            if not console.is_terminal:
                console.print(f"{name}: {agents} agents of {job.budget.updates} updates", highlight=False)
            bar = bars.add_task(name, total=agents)
            tester.run(job, partial(_completed, bars, bar))
            bars.remove_task(bar)
            bars.advance(whole)


def _completed(bars: Progress, bar: TaskID, done: float) -> None:
    bars.update(bar, completed=done)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        yield bars


def _comparison(store: Results, jobs: Sequence[Job]) -> Comparison:
    """Of the jobs' cells, under the names that rules go by now."""
    by_cell = {}
    for line_cell in store.cells(job.cell for job in jobs):
        by_cell[line_cell.lines[-1]["cell"]] = line_cell
    return compare([dataclasses.replace(by_cell[job.cell], rule=job.rule.name) for job in jobs])


def _show(comparison: Comparison, folder: Path) -> None:
    print(f"\n{markdown(comparison)}\ntable and pictures in {folder}")
