"""Figure 5: performance profile on unseen gridworlds: python figures/fig05_gridworld_profile.py --scale laptop."""

import sys
from pathlib import Path

from absl import app
from figure import compared, make, methods
from plan import Plan

from groove.compare_report import draw_profile
from groove.results import Results

NAME = "fig05_gridworld_profile"
LABELS = ("groove", "lpg", "a2c", "random")


def plan() -> Plan:
    """LPG with and without the curriculum of regret."""
    return methods({"groove": "ar@varied", "lpg": "varied"}, ("gridworld/random",))


def draw(results: Results, budget: str, path: Path) -> None:
    """The share of levels and agents above each A2C-normalised return."""
    draw_profile(compared(results, budget, LABELS, ["gridworld/random"]), path.with_suffix(".png"))


def main(argv: list[str]) -> int:
    """Runs what is missing and draws."""
    del argv
    return make(sys.modules[__name__])


if __name__ == "__main__":
    app.run(main)
