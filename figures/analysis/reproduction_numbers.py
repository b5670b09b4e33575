"""The numbers of docs/reproduction.md that no picture shows, from stored results.

python figures/analysis/reproduction_numbers.py
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.methods import GAMES, REFERENCES
from figures.pipeline.stored import folder, stored_cells
from groove.cli._main import FlagSet, Program, run_program
from groove.evaluation.comparisons import aggregate
from groove.evaluation.comparisons.comparison import Comparison, aggregates, compare_cells
from groove.evaluation.results import Cell
from groove.utils.bootstrap import Interval, stratified_bootstrap
from groove.utils.errors import ConfigError

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "docs/results", "Folder of the meta-test results.")
CURRICULA = ("ar", "uniform", "l1", "pvl", "optimal", "relative", "against PPO", "ar buffer 128", "optimal buffer 128")
PAIRS = (("ar buffer 128", "optimal buffer 128"), ("against PPO", "ar"))
RELEASED = ("groove", "lpg")
ARCADE = ("arcade/PacMan", "arcade/Snake", "arcade/Tetris")


def of_rules(cells: Sequence[Cell], rules: Sequence[str], tasks: Sequence[str]) -> Comparison:
    """Compare rules and the references on tasks.

    Raises:
      ConfigError: if a rule has no results.
    """
    chosen = [cell for cell in cells if cell.rule in (*rules, *REFERENCES) and cell.task in tasks]
    if missing := [rule for rule in (*rules, *REFERENCES) if rule not in {cell.rule for cell in chosen}]:
        raise ConfigError(f"there are no results of {', '.join(missing)} on {', '.join(tasks)}; run the figures.")
    return compare_cells(chosen)


def between(comparison: Comparison, statistic: Callable[..., np.ndarray], pair: Sequence[str]) -> str:
    """Return a statistic of the scores of two rules, with a bootstrap interval, as text."""
    return show(
        stratified_bootstrap(
            statistic,
            *(comparison.scores[rule] for rule in pair),
            rng=np.random.default_rng(0),
            clusters=[comparison.clusters[rule] for rule in pair],
        )
    )


def difference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the difference of two interquartile means."""
    return aggregate.iqm(x) - aggregate.iqm(y)


def show(value: Interval[float]) -> str:
    """Return a value and its interval as text."""
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def on_minatar(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the IQMs of all curricula and of the released rules of version 0.1, and the differences of two pairs."""
    comparison = of_rules(cells, CURRICULA, GAMES)
    for rule in CURRICULA:
        seeds = np.split(comparison.scores[rule], comparison.clusters[rule])
        single = ", ".join(f"{float(aggregate.iqm(x)):.2f}" for x in seeds)
        yield f"{rule}: IQM {show(aggregates(comparison)['IQM'][rule])}; meta-seeds {single}"
    rest = of_rules(cells, CURRICULA, tuple(game for game in GAMES if game != "minatar/Freeway"))
    for pair in PAIRS:
        without = between(rest, difference, pair)
        yield f"{' less '.join(pair)}: {between(comparison, difference, pair)}; without Freeway {without}"
    released = of_rules(cells, RELEASED, GAMES)
    for rule in RELEASED:
        yield f"{rule} on the four games: IQM {show(aggregates(released)['IQM'][rule])}"


def on_arcade(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the IQM and optimality gap of version 0.1's rules, and the probability that the first is better."""
    comparison = of_rules(cells, RELEASED, ARCADE)
    for rule in RELEASED:
        iqm, gap = (show(aggregates(comparison)[name][rule]) for name in ("IQM", "optimality gap"))
        yield f"{rule} on the arcade: IQM {iqm}; optimality gap {gap}"
    probability = between(comparison, aggregate.probability_of_improvement, RELEASED)
    yield f"P(groove better than lpg): {probability}"


def main() -> None:
    """Print one line per number."""
    cells = stored_cells(folder("results", _RESULTS.value), "laptop")
    print("\n".join([*on_minatar(cells), *on_arcade(cells)]))


PROGRAM = Program(
    "Print the numbers of docs/reproduction.md that no picture shows, from stored results of budget laptop.",
    "--results docs/results",
    _FLAGS,
    main,
)

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
