"""A Markdown table of rules by suite, with intervals, on the tasks that all of the rules have.

    python figures/analysis/suite_table.py --rules groove,ppo,a2c,random --suite gridworld,minatar

--score a2c gives interquartile means over tasks, where random play is 0 and A2C is 1, with bootstrap intervals. --score
progression gives the leaderboard's means over tasks, where random play is 0 and the best known return is 1, with
Student's intervals. --seconds adds the seconds that an agent took for 1,000 environment steps, without compilation: the
median over tasks. Agents that train side by side share the time.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.intervals import shown
from figures.pipeline.stored import stored_cells
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.comparisons.compare import compare
from groove.evaluation.comparisons.comparison import HIGH, LOW, aggregates
from groove.evaluation.leaderboard.board import make_board
from groove.evaluation.leaderboard.cells import chosen_cells
from groove.evaluation.progression.anchors import load_anchors
from groove.evaluation.results import Cell
from groove.evaluation.suites.base import BUDGETS
from groove.utils.bootstrap import Interval
from groove.utils.errors import ConfigError
from groove.utils.paths import user_path

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "docs/results/released", "Folder of the meta-test results.")
_RULES = _FLAGS.names(
    "rules",
    ["groove", "lpg", "ppo", "a2c", "random"],
    "Rules of the table, separated by commas, random play and A2C among them.",
)
_SUITE = _FLAGS.names(
    "suite", ["gridworld", "classic", "bsuite", "minatar"], "Suites, separated by commas, one column each."
)
_BUDGET = _FLAGS.choice("budget", "laptop", list(BUDGETS), "Budget of the results.")
_SCORE = _FLAGS.choice("score", "a2c", ["a2c", "progression"], "The return that scores 1: A2C's, or the best known.")
_SECONDS = _FLAGS.boolean("seconds", False, "Add the seconds that an agent takes for 1,000 environment steps.")
_AGGREGATE = "IQM"


def by_suite(results: Path, rules: Sequence[str], suites: Sequence[str], budget: str) -> dict[str, dict[str, Interval]]:
    """Return suite -> rule -> interquartile mean over the tasks on which all of the rules were tested.

    A rule that was tested on no task of a suite is left out there, and the others are compared without it.

    Raises:
      GrooveError: if a reference is missing, a name is unknown, or a suite has no results.
    """
    if missing := {LOW, HIGH} - set(rules):
        raise ConfigError(f"--rules lacks {' and '.join(sorted(missing))}, by which scores are normalised.")
    columns = {}
    for suite in suites:
        comparison = compare(rules, [suite], budget, results=results).comparison
        columns[f"{suite} ({len(comparison.scored)})"] = dict(aggregates(comparison)[_AGGREGATE])
    return columns


def progression_by_suite(
    cells: Sequence[Cell], rules: Sequence[str], suites: Sequence[str]
) -> dict[str, dict[str, Interval]]:
    """Return suite -> rule -> mean progression over the tasks on which all of the rules were tested.

    A rule that was tested on no task of a suite is left out there, as by `by_suite`.

    Args:
      cells: stored results of one budget.
      rules: the rules, random play among them.
      suites: the suites.

    Raises:
      GrooveError: if a rule or a suite has no results, or random play is not among the rules.
    """
    if LOW not in rules:
        raise ConfigError(f"--rules lacks {LOW}, which scores 0.")
    board = make_board(chosen_cells(cells, rules, suites, _warn), load_anchors())
    columns = {}
    for suite in suites:
        paths = [path for path, task in board.tasks.items() if task.suite == suite]
        entries = [entry for entry in board.entries if any(path in entry.scores for path in paths)]
        tasks = [path for path in paths if all(path in entry.scores for entry in entries)]
        if not tasks:
            raise ConfigError(f"no task of {suite} has results of all rules: run the meta-test of the missing ones.")
        means = {entry.rule: entry.mean_over(tasks) for entry in entries}
        columns[f"{suite} ({len(tasks)})"] = {rule: mean.interval() for rule, mean in means.items() if mean}
    return columns


def _warn(text: str) -> None:
    print(text, file=sys.stderr)


def seconds_of_agents(cells: Sequence[Cell], rules: Sequence[str], suites: Sequence[str]) -> dict[str, float]:
    """Return rule -> seconds of an agent for 1,000 environment steps: the median over stored lines."""
    seconds: dict[str, list[float]] = {rule: [] for rule in rules}
    for cell in cells:
        if cell.rule in seconds and cell.task.partition("/")[0] in suites:
            for line in cell.lines:
                steps = len(line["returns"]) * len(line["seeds"]) * line["env_steps"][-1]
                spent = line["provenance"]["seconds"] - line["provenance"]["compile_seconds"]
                seconds[cell.rule].append(1000 * spent / steps)
    return {rule: float(np.median(times)) for rule, times in seconds.items() if times}


def table(
    columns: Mapping[str, Mapping[str, Interval]], rules: Sequence[str], seconds: Mapping[str, float] | None = None
) -> str:
    """Return a Markdown table, one line per rule; the number of tasks stands behind each suite."""
    heads = [*columns, *(["seconds for 1,000 steps"] if seconds else [])]
    lines = ["| rule | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for rule in rules:
        cells = [shown(scores[rule]) if rule in scores else "not tested" for scores in columns.values()]
        cells += [f"{seconds[rule]:.2g}" if rule in seconds else ""] if seconds else []
        lines.append(f"| {rule} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    results = user_path(_RESULTS.value, "--results")
    if _SCORE.value == "progression":
        columns = progression_by_suite(stored_cells(results, _BUDGET.value), _RULES.value, _SUITE.value)
    else:
        columns = by_suite(results, _RULES.value, _SUITE.value, _BUDGET.value)
    cells = stored_cells(results, _BUDGET.value) if _SECONDS.value else []
    seconds = seconds_of_agents(cells, _RULES.value, _SUITE.value)
    print(table(columns, _RULES.value, seconds))


PROGRAM = Program(
    "Print a Markdown table of rules by suite: mean scores with intervals, where random play is 0.",
    "--rules groove,ppo,a2c,random --suite gridworld,minatar",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
