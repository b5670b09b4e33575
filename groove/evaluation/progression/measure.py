"""Anchors made anew: declared, solved exactly, or measured in stored results."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import numpy as np

from groove.envs.base import EnvFamily
from groove.evaluation.meta_seeds import by_meta_seed
from groove.evaluation.progression.anchors import Anchor, declared, load_anchors, save_anchors
from groove.evaluation.progression.scores import mean_and_error
from groove.evaluation.results import Cell, Results
from groove.evaluation.suites.base import Task
from groove.evaluation.suites.registry import CHOSEN_ON, SUITES, find_tasks
from groove.evaluation.tester import task_levels
from groove.utils.errors import ConfigError
from groove.utils.jax_flags import standard_flags
from groove.utils.paths import PathLike, check_file, names_of, user_path
from groove.utils.text import quantity


@standard_flags()
def make_anchors(results: PathLike, to: PathLike, suites: str | Sequence[str] = ()) -> list[Anchor]:
    """Make the anchors of tasks, and write them to a file; its anchors of other tasks stay as they are.

    The anchor of a task is declared if it follows from the definition of the task, and is otherwise the mean of the
    exact solver over the levels of each budget. Where there is no solver, the anchor is the largest mean return at the
    end of life of any rule in the stored results, at any budget. To measure a tuned PPO's long run, store it first::

        groove meta-test --rules ppo --suite minatar --budget paper --results RESULTS

    Args:
      results: the folder of stored results.
      to: the file.
      suites: suites or single tasks; all but `development` if empty.

    Returns:
      The new anchors. Tasks without declaration, solver and results have none.

    Raises:
      GrooveError: if a name is unknown, or a file cannot be read or written.
    """
    path, store = user_path(to, "--to"), Results(user_path(results, "--results"))
    check_file(path, "--to")
    kept = list(load_anchors(path)) if path.exists() else []
    tasks = find_tasks(names_of(suites, "--suite") or [suite for suite in SUITES if suite != CHOSEN_ON])
    cells = store.cells()
    made = [anchor for task in tasks for anchor in _anchors_of(task, cells, store.folder)]
    if not made:
        raise ConfigError(f"{store.folder} holds no results of these tasks; run a meta-test first.")
    again = {anchor.task for anchor in made}
    save_anchors(path, [anchor for anchor in kept if anchor.task not in again] + made)
    return made


def optimal_returns(task: Task, env: EnvFamily, levels: int) -> np.ndarray:
    """Return the expected return of the best policy on each of the first levels of a task, f32[levels].

    Args:
      task: the task.
      env: its environment, which has a solver.
      levels: number of levels.
    """
    assert env.optimal_return is not None
    solve = env.optimal_return
    every = jax.jit(lambda each: jax.lax.map(solve, each))  # one by one: time limits differ
    return np.asarray(every(task_levels(task, env, levels)))


def _anchors_of(task: Task, cells: Sequence[Cell], folder: Path) -> Iterator[Anchor]:
    by_definition = [anchor for anchor in declared() if anchor.task == task.path]
    env = task.make() if task.make and not by_definition and not SUITES[task.suite].extra else None
    if by_definition:
        yield from by_definition
    elif env and env.optimal_return:
        yield from _solved(task, env)
    else:
        yield from measured(task, cells, folder)


def _solved(task: Task, env: EnvFamily) -> Iterator[Anchor]:
    counts = sorted({budget.levels for budget in task.budgets.values()})
    best = optimal_returns(task, env, counts[-1]).astype(np.float64)
    for count in counts:  # a task has the same first levels at every budget
        source = f"exact solver, mean over the first {count} level{'s' * (count > 1)}"
        yield Anchor(task.path, float(f"{best[:count].mean():.6g}"), "exact", source, count)


def measured(task: Task, cells: Sequence[Cell], folder: Path) -> Iterator[Anchor]:
    """Yield the largest mean return of a rule that has more than one agent, at any budget; none without results.

    Args:
      task: the task.
      cells: stored results, of any tasks.
      folder: where they are stored, whose name the source of the anchor mentions.
    """
    sizes: dict[tuple[str, int], list[Cell]] = {}  # (budget, levels) -> cells
    for cell in cells:
        if cell.task == task.path:
            sizes.setdefault((cell.budget, len(cell.returns)), []).append(cell)
    groups = {
        (rule, budget, levels): list(by_task[task.path].values())
        for (budget, levels), group in sizes.items()
        for rule, by_task in by_meta_seed(group, lambda note: None).items()
    }
    found = []
    for (rule, budget, _), each in sorted(groups.items()):
        agents = sum(len(cell.seeds) for cell in each)
        if agents == 1:
            continue
        mean, error, runs = mean_and_error([cell.final.mean(axis=0) for cell in each])
        steps = quantity(float(each[0].env_steps[-1]))
        over = f"{runs} meta-seeds of {rule}" if len(each) > 1 else f"{agents} agents of {rule}"
        source = f"{folder.name}: {over} after {steps} steps (budget {budget}), the best rule there"
        found.append(Anchor(task.path, float(mean), "measured", source, None, float(error), agents))
    if found:
        best = max(found, key=lambda anchor: anchor.best)
        digits = {"best": float(f"{best.best:.6g}"), "standard_error": float(f"{best.standard_error:.3g}")}
        yield Anchor(**{**vars(best), **digits})
