"""Figure 10: antagonists that regret is measured against, on MinAtar: python figures/fig10_antagonists.py."""

import sys
from pathlib import Path

from absl import app
from figure import bars, compared, make, methods
from plan import Plan

from groove.results import Results

NAME = "fig10_antagonists"
ANTAGONISTS = {
    "groove": "ar@varied",
    "against ppo": "ar@varied antagonists=ppo",
    "against the optimum": "ar@varied antagonists=optimal",
    "against random": "ar@varied antagonists=random",
}
GAMES = tuple(f"minatar/{game}" for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"))
CLAIM = "Paper: A2C (groove) is the best antagonist on all four games, then PPO."


def plan() -> Plan:
    """A rule for every antagonist."""
    return methods(ANTAGONISTS, GAMES)


def draw(results: Results, budget: str, path: Path) -> None:
    """Returns on the four games."""
    labels = tuple(ANTAGONISTS)
    bars(compared(results, budget, (*labels, "a2c", "random"), GAMES), labels, path, CLAIM)


def main(argv: list[str]) -> int:
    """Runs what is missing and draws."""
    del argv
    return make(sys.modules[__name__])


if __name__ == "__main__":
    app.run(main)
