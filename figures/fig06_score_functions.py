"""Figure 6: score functions of the curriculum, on MinAtar: python figures/fig06_score_functions.py --scale laptop."""

import sys
from pathlib import Path

from absl import app
from figure import bars, compared, make, methods
from plan import Plan

from groove.results import Results

NAME = "fig06_score_functions"
SCORES = {"groove": "ar@varied", "lpg": "varied", "l1": "l1@varied", "pvl": "pvl@varied", "optimal": "optimal@varied"}
GAMES = tuple(f"minatar/{game}" for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"))
CLAIM = "Paper: algorithmic regret is best on all four games."


def plan() -> Plan:
    """A rule for every score; lpg is the uniform one."""
    return methods(SCORES, GAMES)


def draw(results: Results, budget: str, path: Path) -> None:
    """Returns on the four games."""
    labels = tuple(SCORES)
    bars(compared(results, budget, (*labels, "a2c", "random"), GAMES), labels, path, CLAIM)


def main(argv: list[str]) -> int:
    """Runs what is missing and draws."""
    del argv
    return make(sys.modules[__name__])


if __name__ == "__main__":
    app.run(main)
