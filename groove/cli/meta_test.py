"""The program meta-test: tests rules on suites of tasks."""

from groove.cli._main import FlagSet, Program
from groove.utils.limits import MOST_DEVICES, MOST_SEEDS
from groove.utils.paths import rejoin_paths

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
    "budget", "laptop", "Lifetimes and numbers of agents: smoke (does it run), laptop (minutes on two cores) or paper."
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
    """Return the suites and their tasks, a few lines each."""
    from groove.evaluation.suites.registry import SUITES

    lines = []
    for name, suite in SUITES.items():
        extra = f' (pip install "groove-rl[{suite.extra}]")' if suite.extra else ""
        lines += [f"{name}: {suite.about}{extra}"]
        for task in (*suite.tasks.values(), *suite.optional.values()):
            on_request = "; only on request" if task.name in suite.optional else ""
            spent = ", ".join(
                f"{budget} {b.levels} x {b.updates * b.rollout:,}" for budget, b in sorted(task.budgets.items())
            )
            lines.append(f"    {task.path:34} levels x steps: {spent}{on_request}")
    return "\n".join(lines)


PROGRAM = Program(
    summary="Test update rules on tasks on which no rule was meta-trained.",
    example="--rules runs/RUN,a2c,random --suite minatar",
    flags=_FLAGS,
    run=run,
)
