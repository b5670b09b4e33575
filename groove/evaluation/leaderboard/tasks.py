"""The tasks of a leaderboard, their anchors, and the columns that average over them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groove.evaluation.leaderboard.cells import RANDOM, Say
from groove.evaluation.meta_seeds import ByTask
from groove.evaluation.progression.anchors import Anchor, Anchors
from groove.evaluation.progression.scores import mean_and_error
from groove.evaluation.progression.skills import BUCKETS, SKILLS
from groove.utils.errors import GrooveError

CLEARLY = 3.0  # standard errors by which a measured best has to be above random play
OVERALL = "overall"
OVERALL_SUITES = ("gridworld", "minatar", "classic", "bsuite")  # those of the overall score, unless others are chosen
SUITES = "suites"
_MOST_REASONS = 5  # that an error lists


@dataclass(frozen=True)
class RankedTask:
    """A task of the leaderboard.

    Attributes:
      path: SUITE/NAME.
      anchor: the return that scores 1.
      random: the return that scores 0.
      random_error: its standard error; NaN for a single agent.
      random_agents: number of agents of random play.
      levels: number of levels.
      env_steps: [points], environment steps of one agent.
    """

    path: str
    anchor: Anchor
    random: float
    random_error: float
    random_agents: int
    levels: int
    env_steps: tuple[int, ...]

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class Column:
    """A weighted mean over tasks.

    Attributes:
      name: the name, which no other column has.
      group: "overall", "suites", or a skill.
      label: the name within the group.
      weights: task -> weight; weights sum to 1.
    """

    name: str
    group: str
    label: str
    weights: Mapping[str, float]


def ranked_tasks(grouped: Mapping[str, ByTask], anchors: Anchors, say: Say) -> dict[str, RankedTask]:
    """Return the tasks that have results of random play and an anchor clearly above it.

    Args:
      grouped: rule -> task -> {digest of a meta-seed: its cell}.
      anchors: the returns that score 1.
      say: receives a sentence about each task that is left out.

    Raises:
      GrooveError: if no task is left.
    """
    tasks, reasons = {}, []

    def leave_out(path: str, reason: str) -> None:
        reasons.append(f"{path} is left out: {reason}")
        say(reasons[-1])

    for path in sorted({task for by_task in grouped.values() for task in by_task}):
        cells = list(grouped.get(RANDOM, {}).get(path, {}).values())
        if not cells:
            leave_out(path, f"it has no results of {RANDOM}, which scores 0; add it to the meta-test.")
            continue
        anchor = anchors.find(path, len(cells[0].returns))
        if anchor is None:
            leave_out(path, "it has no anchor, the return that scores 1; make one with groove anchors.")
            continue
        mean, error, _ = mean_and_error([cell.final.mean(axis=0) for cell in cells])
        agents = sum(len(cell.seeds) for cell in cells)
        steps = tuple(cells[0].env_steps.tolist())
        task = RankedTask(path, anchor, float(mean), float(error), agents, len(cells[0].returns), steps)
        if not _is_apart(task):
            leave_out(path, f"the best known return is not clearly above that of {RANDOM}.")
            continue
        tasks[path] = task
    if not tasks:
        if RANDOM not in grouped:
            raise GrooveError(
                f"there are no results of {RANDOM}, which scores 0; run groove meta-test --rules a2c,{RANDOM} on the "
                "same suites, budget and --results."
            )
        raise GrooveError("no task is left to compare rules on.\n" + "\n".join(reasons[:_MOST_REASONS]))
    return tasks


def _is_apart(task: RankedTask) -> bool:
    """Return whether the anchors of a task differ by clearly more than their errors."""
    error = np.hypot(task.anchor.standard_error, np.nan_to_num(task.random_error))
    return bool(task.anchor.best - task.random > CLEARLY * error)


def columns_of(tasks: Mapping[str, RankedTask], overall: Collection[str] = OVERALL_SUITES) -> list[Column]:
    """Return the columns: overall, every suite counts the same; in a suite or a bucket of a skill, every task.

    Buckets of skills hold tasks of the overall score. A suite that only some rule was tested on thus takes neither the
    overall score nor a skill from any other rule.

    Args:
      tasks: the tasks, by path.
      overall: the suites of the overall score; all suites if no task is of these.
    """
    suites: dict[str, list[str]] = {}
    for path, task in tasks.items():
        suites.setdefault(task.suite, []).append(path)
    counted = [paths for suite, paths in suites.items() if suite in overall] or list(suites.values())
    weights = {path: 1 / len(counted) / len(paths) for paths in counted for path in paths}
    columns = [Column(OVERALL, OVERALL, OVERALL, weights)]
    first = sorted(suites, key=lambda suite: suite not in overall)  # those of the overall score come first
    columns += [Column(suite, SUITES, suite, _equal(suites[suite])) for suite in first]
    for skill, buckets in BUCKETS.items():
        for bucket in buckets:
            paths = [path for path in weights if path in SKILLS and SKILLS[path].buckets[skill] == bucket]
            columns += [Column(f"{skill}: {bucket}", skill, bucket, _equal(paths))] if paths else []
    return columns


def _equal(paths: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(paths, 1 / len(paths))
