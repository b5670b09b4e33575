"""Stored results by rule, task and meta-seed: which cells are meta-seeds of one method, and which are not."""

from collections.abc import Callable, Iterable, Mapping

from groove.evaluation.results import Cell
from groove.lpg.registry import hand_written

ByTask = dict[str, dict[str, Cell]]  # task -> digest of the rule -> cell


def by_meta_seed(cells: Iterable[Cell], say: Callable[[str], None]) -> dict[str, ByTask]:
    """Return rule -> task -> {digest of the rule: cell}; rules and tasks in the order of their first cells.

    Cells of one name and different digests are meta-seeds of one method. There is one cell of each: the later one, if
    an experiment was made again with other agents or sizes. A hand-written rule has no meta-seeds: if it was tested
    with several settings under one name, the settings of the latest results count.

    Args:
      cells: cells of one budget.
      say: receives a sentence about everything that is passed over.
    """
    found: dict[str, ByTask] = {}
    for cell in cells:
        seeds = found.setdefault(cell.rule, {}).setdefault(cell.task, {})
        if cell.identity in seeds:
            say(f"{cell.rule} has two experiments on {cell.task} with the same rule: the later one is shown.")
        seeds[cell.identity] = cell
    return {rule: _one_setting(rule, by_task, say) for rule, by_task in found.items()}


def common_meta_seeds(by_task: Mapping[str, Mapping[str, Cell]], tasks: Iterable[str]) -> list[str]:
    """Return the digests that a rule has on all these tasks, sorted, so that a meta-seed has one place on every task.

    Args:
      by_task: task -> {digest: cell} of the rule.
      tasks: tasks that the rule has.
    """
    return sorted(set.intersection(*(set(by_task[task]) for task in tasks)))


def _one_setting(rule: str, by_task: ByTask, say: Callable[[str], None]) -> ByTask:
    """Return the cells of a rule with one of its digests alone, if it is written by hand."""
    cells = [cell for seeds in by_task.values() for cell in seeds.values()]
    digests = {cell.identity for cell in cells}
    if len(digests) == 1 or not any(_is_hand_written(cell) for cell in cells):
        return by_task
    latest = max(cells, key=_time).identity
    say(
        f"{rule} was tested with {len(digests)} different settings under one name: those of its latest results count."
        f" To see all of them, test them under different names, as in --rules NAME={rule}[...]."
    )
    return {task: {latest: seeds[latest]} for task, seeds in by_task.items() if latest in seeds}


def _is_hand_written(cell: Cell) -> bool:
    settings = cell.lines[-1].get("settings") if cell.lines else None
    origin = settings.get("origin") if isinstance(settings, Mapping) else None
    return isinstance(origin, Mapping) and origin.get("rule", cell.rule) in hand_written()


def _time(cell: Cell) -> str:
    """Return when a cell was made, so that texts compare as times do; empty if it is not known."""
    provenance = cell.lines[-1].get("provenance") if cell.lines else None
    return str(provenance.get("time", "")) if isinstance(provenance, Mapping) else ""
