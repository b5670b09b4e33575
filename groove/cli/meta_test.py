"""The program meta-test: tests rules on suites of tasks."""

import textwrap
from typing import TYPE_CHECKING

from groove.cli._main import FlagSet, Program
from groove.utils.limits import MOST_DEVICES, MOST_SEEDS
from groove.utils.paths import rejoin_paths

if TYPE_CHECKING:
    from groove.evaluation.suites.base import Budget

_FLAGS = FlagSet()
_RULES = _FLAGS.names(
    "rules",
    [],
    "Rules to test, separated by commas: run directories, rule files, released rules, disco103=PATH, a2c, ppo, dpo, "
    "random. LABEL=RULE shows a rule as LABEL; rules of one label are pooled, as the meta-seeds of one method.",
)
_SUITE = _FLAGS.names(
    "suite",
    [],
    "Suites, as in minatar, or single tasks, as in minatar/Breakout, separated by commas; --list shows all.",
)
_BUDGET = _FLAGS.string(
    "budget",
    "laptop",
    "Lifetimes and numbers of agents: smoke (does it run), short (one level and 250 updates of 8 workers, for slow "
    "rules), laptop (minutes on two cores), long (laptop with lifetimes ten times as long, at most those of paper) or "
    "paper.",
)
_SEEDS = _FLAGS.integer("seeds", 5, "Agents of each rule on each level.", least=1, most=MOST_SEEDS)
_RESULTS = _FLAGS.string(
    "results",
    "results",
    "Folder of stored results, which is added to; stored agents are not trained again.",
)
_TO = _FLAGS.string(
    "to",
    None,
    "Folder of the table and the pictures. Without this flag: a folder in --results named after suites and budget.",
)
_DEVICES = _FLAGS.integer("devices", 0, "Local devices to train on; 0 for all.", least=0, most=MOST_DEVICES)
_FORCE = _FLAGS.boolean("force", False, "Train all agents again, although results are stored.")
_LIST = _FLAGS.boolean("list", False, "List the suites with their tasks and budgets, and do nothing else.")


def run() -> None:
    """Run the program."""
    if _LIST.value:
        print(_suites())
        return
    from groove.evaluation.meta_test import meta_test

    report = meta_test(
        rejoin_paths(_RULES.value),
        _SUITE.value,
        _BUDGET.value,
        seeds=_SEEDS.value,
        results=_RESULTS.value,
        to=_TO.value,
        devices=_DEVICES.value,
        force=_FORCE.value,
    )
    print(f"\n{report.table}\ntable and pictures in {report.folder}")


def _suites() -> str:
    """Return the suites, and one line for all tasks of a suite that have the same budgets."""
    from groove.evaluation.suites.base import BUDGETS
    from groove.evaluation.suites.registry import SUITES

    lines = [
        "For each budget: levels x environment steps of an agent (workers x steps of a rollout x updates). Every rule\n"
        "trains --seeds agents on each level. A line in brackets is tested only if a task is named.\n"
    ]
    for name, suite in SUITES.items():
        extra = f' (pip install "groove-rl[{suite.extra}]")' if suite.extra else ""
        lines.append(f"{name}: {suite.about}{extra}")
        alike: dict[tuple[bool, str], list[str]] = {}  # (on request, budgets) -> tasks
        for task in (*suite.tasks.values(), *suite.optional.values()):
            spent = "\n".join(f"        {budget:7} {_cost(task.budgets[budget])}" for budget in BUDGETS)
            alike.setdefault((task.name in suite.optional, spent), []).append(task.path)
        for (on_request, spent), paths in alike.items():
            tasks = f"({', '.join(paths)})" if on_request else ", ".join(paths)
            lines += [textwrap.fill(tasks, 100, initial_indent="    ", subsequent_indent="    "), spent]
    return "\n".join(lines)


def _cost(budget: "Budget") -> str:
    steps = budget.updates * budget.rollout
    return f"{budget.levels} x {steps:,} ({budget.workers} x {budget.steps} x {budget.updates:,})"


PROGRAM = Program(
    summary="Test update rules on tasks on which no rule was meta-trained.",
    example="--rules runs/RUN,a2c,random --suite minatar",
    flags=_FLAGS,
    run=run,
)
