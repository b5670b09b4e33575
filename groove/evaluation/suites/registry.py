"""All suites by name, and the tasks that names stand for."""

from collections.abc import Collection, Mapping, Sequence

from groove.evaluation.suites import (
    arcade,
    atari,
    bsuite,
    chain,
    classic,
    development,
    gridworld,
    jaxtari,
    minatar,
    minigrid,
)
from groove.evaluation.suites.base import Suite, Task
from groove.utils.errors import ConfigError, unknown_name

SUITES: Mapping[str, Suite] = {
    "development": development.SUITE,
    "gridworld": gridworld.SUITE,
    "chain": chain.SUITE,
    "classic": classic.SUITE,
    "bsuite": bsuite.SUITE,
    "minatar": minatar.SUITE,
    "arcade": arcade.SUITE,
    "minigrid": minigrid.SUITE,
    "jaxtari": jaxtari.SUITE,
    "atari": atari.SUITE,
}
CHOSEN_ON = "development"  # the suite that rules are chosen on, which is no test of them


def is_wanted(path: str, tasks: Collection[str] | None) -> bool:
    """Return whether a stored task is one of these tasks; None stands for all tasks that no rule was chosen on."""
    return not path.startswith(f"{CHOSEN_ON}/") if tasks is None else path in tasks


def find_tasks(names: Sequence[str]) -> list[Task]:
    """Return the tasks of suites ("minatar") and single tasks ("minatar/Breakout"), each once, in the order given.

    Raises:
      ConfigError: on an unknown name, or if there are no names.
    """
    tasks: dict[str, Task] = {}
    for name in names:
        suite, single, task = name.partition("/")
        if suite not in SUITES:
            raise unknown_name("suite", suite, SUITES)
        members = {**SUITES[suite].tasks, **(SUITES[suite].optional if single else {})}
        if single and task not in members:
            raise unknown_name(f"task of {suite}", task, members)
        tasks |= {t.path: t for t in ([members[task]] if single else members.values())}
    if not tasks:
        raise ConfigError("no suite was given; write for instance --suite minatar.")
    return list(tasks.values())
