"""Stored results of meta-tests, compared again: other rules together, or a part of the tasks."""

from collections.abc import Iterable, Sequence

from groove.evaluation.comparisons.comparison import compare_cells
from groove.evaluation.comparisons.report import Report, make_report
from groove.evaluation.results import Cell, Results
from groove.evaluation.suites.base import BUDGETS
from groove.evaluation.suites.registry import find_tasks, is_wanted
from groove.utils.errors import ConfigError, check_name, nearest, refuse_twice
from groove.utils.paths import PathLike, check_folder, names_of, user_path


def compare(
    rules: Iterable[str] = (),
    suites: Iterable[str] = (),
    budget: str = "laptop",
    *,
    rivals: Iterable[str] = (),
    results: PathLike = "results",
    to: PathLike | None = None,
) -> Report:
    """Compare stored results.

    Args:
      rules: names under which the rules were tested, in the order of the columns; all rules if empty.
      suites: suites or single tasks, as in "minatar" and "minatar/Breakout"; if empty, all but those of `development`,
        by which rules are chosen.
      budget: "smoke", "short", "laptop", "long" or "paper".
      rivals: rules for which the probability of being better is computed; if empty, A2C and PPO where they were tested.
      results: the folder of stored results.
      to: the folder of the table and the pictures; None to write nothing.

    Raises:
      GrooveError: if a name is unknown, a rule is named twice, a rival is not among the rules, there is nothing to
        compare, or a file cannot be read or written.
    """
    check_name("budget", budget, BUDGETS)
    rules = names_of(rules, "--rules")
    refuse_twice("--rules", rules)
    store, folder = Results(user_path(results, "--results")), None if to is None else user_path(to, "--to")
    cells = _chosen(store, rules, names_of(suites, "--suite"), budget)
    if folder is not None:
        check_folder(folder, "--to")
    return make_report(compare_cells(cells, rivals=names_of(rivals, "--rivals")), folder)


def _chosen(store: Results, rules: Sequence[str], suites: Sequence[str], budget: str) -> list[Cell]:
    """Return the cells of these rules and suites, in the order of the rules."""
    tasks = {task.path for task in find_tasks(suites)} if suites else None
    cells = [cell for cell in store.cells() if cell.budget == budget]
    if not cells:
        raise ConfigError(f"{store.folder} holds no results at budget {budget}; run a meta-test first.")
    known = {cell.rule for cell in cells}
    cells = [named for cell in cells for named in cell.named(rules)] if rules else cells
    for rule in rules:
        if all(cell.rule != rule for cell in cells):
            raise ConfigError(f'{store.folder} holds no results of "{rule}"{nearest(rule, known)} at budget {budget}.')
    cells = [cell for cell in cells if is_wanted(cell.task, tasks)]
    if not cells:
        raise ConfigError(
            f"{store.folder} holds no results of {', '.join(suites) or 'held-out tasks'} for these rules; run a "
            "meta-test first, or name tasks by --suite."
        )
    return sorted(cells, key=lambda cell: rules.index(cell.rule)) if rules else cells
