"""A Markdown table of rules by suite: interquartile means with intervals, where random play is 0 and A2C is 1.

python figures/analysis/suite_table.py --rules groove,ppo,a2c,random --suite gridworld,minatar
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.comparisons.compare import compare
from groove.evaluation.comparisons.comparison import HIGH, LOW, aggregates
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


def table(columns: Mapping[str, Mapping[str, Interval]], rules: Sequence[str]) -> str:
    """Return a Markdown table, one line per rule; the number of tasks stands behind each suite."""
    lines = ["| rule | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for rule in rules:
        cells = [_shown(scores[rule]) if rule in scores else "not tested" for scores in columns.values()]
        lines.append(f"| {rule} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _shown(score: Interval) -> str:
    return f"{score.value:.2f} [{score.low:.2f}, {score.high:.2f}]"


def main() -> None:
    """Print the table."""
    columns = by_suite(user_path(_RESULTS.value, "--results"), _RULES.value, _SUITE.value, _BUDGET.value)
    print(table(columns, _RULES.value))


PROGRAM = Program(
    "Print a Markdown table of rules by suite: interquartile means, where random play is 0 and A2C is 1.",
    "--rules groove,ppo,a2c,random --suite gridworld,minatar",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
