"""Numbers of docs/reproduction.md that are in no picture, as stored.

python figures/analysis/reproduction_numbers.py
"""

from collections.abc import Callable

import numpy as np
from absl import app, flags

from groove.evaluation import aggregate
from groove.evaluation.compare import Comparison, aggregates, compare
from groove.evaluation.results import Results
from groove.utils.bootstrap import Interval

_RESULTS = flags.DEFINE_string("results", "docs/results", "The store of meta-test results.")
GAMES = tuple(f"minatar/{game}" for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"))
CURRICULA = ("ar", "uniform", "l1", "pvl", "optimal", "relative", "against PPO", "ar buffer 128", "optimal buffer 128")
PAIRS = (("ar buffer 128", "optimal buffer 128"), ("against PPO", "ar"))


def between(found: Comparison, statistic: Callable[..., np.ndarray], first: str, second: str) -> Interval[float]:
    """A statistic of the scores of two rules, with an interval."""
    return aggregate.stratified_bootstrap(
        statistic,
        found.scores[first],
        found.scores[second],
        rng=np.random.default_rng(0),
        clusters=[found.clusters[first], found.clusters[second]],
    )


def difference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of interquartile means."""
    return aggregate.iqm(x) - aggregate.iqm(y)


def show(value: Interval[float]) -> str:
    """With its interval."""
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def main(argv: list[str]) -> None:
    """Prints a line a number."""
    del argv
    stored = [cell for cell in Results(_RESULTS.value).cells() if cell.budget == "laptop"]

    def chosen(rules: tuple[str, ...], tasks: tuple[str, ...]) -> Comparison:
        return compare([c for c in stored if c.rule in (*rules, "a2c", "random") and c.task in tasks])

    found = chosen(CURRICULA, GAMES)
    for rule in CURRICULA:
        seeds = np.split(found.scores[rule], found.clusters[rule])
        single = ", ".join(f"{float(aggregate.iqm(x)):.2f}" for x in seeds)
        print(f"{rule}: IQM {show(aggregates(found)['IQM'][rule])}; meta-seeds {single}")
    rest = chosen(CURRICULA, tuple(game for game in GAMES if game != "minatar/Freeway"))
    for first, second in PAIRS:
        print(f"{first} less {second}: {show(between(found, difference, first, second))}", end="; ")
        print(f"without Freeway {show(between(rest, difference, first, second))}")
    released = chosen(("groove", "lpg"), GAMES)
    for rule in ("groove", "lpg"):
        print(f"{rule} on the four games: IQM {show(aggregates(released)['IQM'][rule])}")
    arcade = chosen(("groove", "lpg"), ("arcade/PacMan", "arcade/Snake", "arcade/Tetris"))
    for rule in ("groove", "lpg"):
        gap = show(aggregates(arcade)["optimality gap"][rule])
        print(f"{rule} on the arcade: IQM {show(aggregates(arcade)['IQM'][rule])}; optimality gap {gap}")
    print(f"P(groove better than lpg): {show(between(arcade, aggregate.probability_of_improvement, 'groove', 'lpg'))}")


if __name__ == "__main__":
    app.run(main)
