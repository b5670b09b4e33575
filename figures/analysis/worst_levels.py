"""How far do rules fall behind A2C on their worst levels?

    python figures/analysis/worst_levels.py --results docs/results/curricula --rules dr,ar,accel

The worst levels of a rule are chosen by all of its agents but one, and the regret on them is that of the agent left
out, so that no return is counted because it was low; the mean over agents left out is printed. Rules of one label are
meta-seeds of one method. Intervals are Student's, over meta-seeds.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.intervals import of_difference, of_mean, shown
from figures.pipeline.stored import stored_cells
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.meta_seeds import by_meta_seed
from groove.evaluation.results import Cell
from groove.evaluation.suites.base import BUDGETS
from groove.utils.bootstrap import Floats
from groove.utils.errors import ConfigError, unknown_name
from groove.utils.paths import user_path

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "results", "Folder of the meta-test results.")
_RULES = _FLAGS.names("rules", [], "Rules of the table, separated by commas; the others are compared with the first.")
_REFERENCE = _FLAGS.string("reference", "a2c", "The rule that the regret is measured against.")
_TASK = _FLAGS.string("task", "gridworld/random", "The task whose levels are compared.")
_SHARE = _FLAGS.number("share", 0.1, "Share of the levels that count as the worst.", least=0)
_BUDGET = _FLAGS.choice("budget", "laptop", list(BUDGETS), "Budget of the results.")


def worst_regret(rule: Floats, reference: Floats, share: float) -> float:
    """Return the mean regret on the worst levels of a rule, measured with agents that did not choose them.

    Args:
      rule: f64[levels, agents], returns under the rule.
      reference: f64[levels, agents], returns under the reference, of the same levels and seeds.
      share: of the levels, those of highest regret.

    Raises:
      ValueError: if there is one agent, by which levels would be chosen and measured at once.
    """
    regret = reference - rule
    levels, agents = regret.shape
    if agents < 2:
        raise ValueError("two agents on each level are needed: one that chooses levels, and one that measures them.")
    count = math.ceil(share * levels)
    means = []
    for left_out in range(agents):
        others = np.delete(regret, left_out, axis=1).mean(1)
        worst = np.argsort(-others, kind="stable")[:count]
        means.append(regret[worst, left_out].mean())
    return float(np.mean(means))


def regrets(
    cells: Sequence[Cell], rules: Sequence[str], reference: str, task: str, share: float
) -> dict[str, list[float]]:
    """Return the regret on the worst levels of every meta-seed of each rule.

    Raises:
      ConfigError: if results are missing, the reference has several meta-seeds, or a rule and the reference differ in
        their levels or share fewer than two agents on each.
    """
    of_task = [cell for cell in cells if cell.task == task]
    wanted = [named for cell in of_task for named in cell.named([*rules, reference])]
    stored = by_meta_seed(wanted, lambda text: print(text, file=sys.stderr))
    for name in (*rules, reference):
        if name not in stored:
            raise unknown_name(f"rule with results on {task}", name, list({cell.rule for cell in of_task}))
    references = list(stored[reference][task].values())
    if len(references) > 1:
        raise ConfigError(f"--reference = {reference} has {len(references)} meta-seeds: name a rule that has one.")
    base = references[0]
    numbers: dict[str, list[float]] = {}
    for name in rules:
        for cell in stored[name][task].values():
            if len(cell.returns) != len(base.returns):
                raise ConfigError(f"{name} and {reference} have other levels on {task}: test both with --force.")
            seeds = sorted(set(cell.seeds) & set(base.seeds))
            if len(seeds) < 2:
                raise ConfigError(f"{name} and {reference} share {len(seeds)} agents on {task}: test with --seeds 2.")
            numbers.setdefault(name, []).append(worst_regret(_of(cell, seeds), _of(base, seeds), share))
    return numbers


def _of(cell: Cell, seeds: Sequence[int]) -> Floats:
    return cell.final[:, [cell.seeds.index(seed) for seed in seeds]]


def table(numbers: Mapping[str, Sequence[float]]) -> str:
    """Return a Markdown table: the mean of each rule, its difference to the first rule, and every meta-seed."""
    first = next(iter(numbers))
    lines = [f"| rule | regret on its worst levels | more than `{first}` | each meta-seed |", "|---|---|---|---|"]
    for name, values in numbers.items():
        seeds = ", ".join(f"{value:.2f}" for value in values)
        more = "" if name == first else shown(of_difference(values, numbers[first]))
        lines.append(f"| `{name}` | {shown(of_mean(values))} | {more} | {seeds} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    if not _RULES.value:
        raise ConfigError("--rules is empty: name at least one rule, as in dr,ar.")
    if not 0 < _SHARE.value <= 1:
        raise ConfigError(f"--share = {_SHARE.value} must be above 0 and not above 1.")
    cells = stored_cells(user_path(_RESULTS.value, "--results"), _BUDGET.value)
    print(table(regrets(cells, _RULES.value, _REFERENCE.value, _TASK.value, _SHARE.value)))


PROGRAM = Program(
    "Print a Markdown table of rules: their regret on the levels on which they are furthest behind A2C.",
    "--results results --rules dr,ar",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
