"""The results that a leaderboard is made of: those of one budget, from one folder or several."""

from collections.abc import Callable, Sequence
from pathlib import Path

from groove.evaluation.results import Cell, Results
from groove.evaluation.suites.base import BUDGETS
from groove.evaluation.suites.registry import find_tasks, is_wanted
from groove.lpg.registry import hand_written
from groove.utils.errors import ConfigError, nearest, refuse_twice, unknown_name

Say = Callable[[str], None]
RANDOM = "random"  # the rule that scores 0


def read_cells(folders: Sequence[Path], budget: str, say: Say) -> list[Cell]:
    """Read the results of one budget.

    An experiment that several folders hold is taken from the first of them, so that results which were submitted
    cannot replace results which were there. A hand-written rule with other settings than in an earlier folder is passed
    over.

    Args:
      folders: folders of stored results.
      budget: "smoke", "short", "laptop", "long" or "paper".
      say: receives a line about everything that is passed over.

    Raises:
      GrooveError: if the budget is unknown, a folder is given twice or holds no results, or two folders have
        different learned rules of one name.
    """
    if budget not in BUDGETS:
        raise unknown_name("budget", budget, BUDGETS)
    refuse_twice("--results", folders)
    found: dict[str, Cell] = {}
    origins: dict[str, tuple[Path, set[str]]] = {}  # rule -> the first folder that has it, and its digests there
    others: dict[tuple[str, Path], Path] = {}  # hand-written rules with other settings, and the first folder
    for folder in folders:
        cells = [cell for cell in Results(folder, say).cells() if cell.budget == budget]
        if not cells:
            raise ConfigError(f"{folder} holds no results at budget {budget}; run a meta-test first.")
        for cell in cells:
            first, identities = origins.setdefault(cell.rule, (folder, set()))
            if first == folder:
                identities.add(cell.identity)
            elif cell.identity not in identities and cell.rule in hand_written():
                others.setdefault((cell.rule, folder), first)
                continue
            elif cell.identity not in identities:
                raise ConfigError(
                    f'"{cell.rule}" is another rule in {folder} than in {first}: run its meta-test again under another '
                    "name, as in --rules NAME=RULE."
                )
            found.setdefault(_key(cell), cell)
    for (rule, folder), first in others.items():
        say(f'"{rule}" of {folder} is left out: it has other settings than in {first}.')
    return list(found.values())


def chosen_cells(cells: Sequence[Cell], rules: Sequence[str], suites: Sequence[str], say: Say) -> list[Cell]:
    """Return the cells of some rules on some tasks, and those of random play on these tasks.

    Args:
      cells: cells of one budget.
      rules: names of rules; all if empty.
      suites: suites or single tasks; all but `development`, by which rules are chosen, if empty.
      say: receives a line about everything that is passed over.

    Raises:
      ConfigError: if a name is unknown, given twice or has no results, or nothing is left.
    """
    refuse_twice("--rules", rules)
    known = {cell.rule for cell in cells}
    if rules:
        cells = [named for cell in cells for named in cell.named(dict.fromkeys([*rules, RANDOM]))]
    for rule in rules:
        if all(cell.rule != rule for cell in cells):
            raise ConfigError(f'there are no results of "{rule}"{nearest(rule, known)}; run its meta-test first.')
    tasks = {task.path for task in find_tasks(suites)} if suites else None
    kept = [cell for cell in cells if is_wanted(cell.task, tasks)]
    foreign = sorted({cell.task for cell in kept if not _is_task(cell.task)})
    for task in foreign:
        say(f"{task} is left out: no suite of this version of groove has such a task.")
    registered = [cell for cell in kept if cell.task not in foreign]
    if not registered:
        raise ConfigError(f"there are no results of {', '.join(suites) or 'held-out tasks'}; run a meta-test first.")
    return registered


def _key(cell: Cell) -> str:
    return str(cell.lines[-1]["cell"]) + cell.rule


def _is_task(path: str) -> bool:
    try:
        find_tasks([path])
    except ConfigError:
        return False
    return "/" in path
