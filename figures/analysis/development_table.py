"""A Markdown table of the rules on the suite `development`, normalised on every level.

python figures/analysis/development_table.py
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.stored import folder, stored_cells
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.releases.development_score import level_score
from groove.evaluation.results import Cell
from groove.evaluation.suites.base import BUDGETS
from groove.evaluation.suites.registry import SUITES
from groove.utils.errors import ConfigError

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "docs/results", "Folder of the meta-test results.")
_BUDGET = _FLAGS.choice("budget", "laptop", list(BUDGETS), "Budget of the results.")
REFERENCES = ("random", "a2c")  # scores 0 and 1


def scores_of(cells: list[Cell], path: str) -> dict[str, float]:
    """Return the score on one task of every stored rule and meta-seed, by its label.

    Raises:
      ConfigError: if a reference has no results.
    """
    on_task = [cell for cell in cells if cell.task == path]
    low_high = {cell.rule: cell.final.mean(1) for cell in on_task if cell.rule in REFERENCES}
    if missing := [name for name in REFERENCES if name not in low_high]:
        raise ConfigError(f"there are no results of {' and '.join(missing)} on {path}; run launch/meta_test.py.")
    return {_label(cell): level_score(cell.final.mean(1), *(low_high[name] for name in REFERENCES)) for cell in on_task}


def _label(cell: Cell) -> str:
    seed = cell.lines[-1]["settings"]["origin"].get("seed")
    return cell.rule if seed is None else f"{cell.rule}, meta-seed {seed}"


def table(by_task: Mapping[str, Mapping[str, float]]) -> str:
    """Return a Markdown table, one line per rule; the mean is left out where a task is missing.

    Args:
      by_task: task -> label of the rule -> score.
    """
    lines = ["| rule | " + " | ".join(by_task) + " | mean |", "|---" * (len(by_task) + 2) + "|"]
    for label in dict.fromkeys(label for scores in by_task.values() for label in scores):
        row = [scores.get(label) for scores in by_task.values()]
        known = [score for score in row if score is not None]
        mean = f"{np.mean(known):.2f}" if len(known) == len(row) else ""
        columns = ["" if score is None else f"{score:.2f}" for score in row]
        lines.append(f"| {label} | " + " | ".join(columns) + f" | {mean} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    cells = stored_cells(folder("results", _RESULTS.value), _BUDGET.value)
    tasks = SUITES["development"].tasks
    print(table({name: scores_of(cells, task.path) for name, task in tasks.items()}))


PROGRAM = Program(
    "Print a Markdown table of the rules on the suite `development`; random play is 0 and A2C is 1 on every level.",
    "--budget laptop",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
