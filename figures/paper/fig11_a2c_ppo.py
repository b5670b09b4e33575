"""Figure 11: A2C and PPO on random and handcrafted gridworlds: python figures/paper/fig11_a2c_ppo.py --scale laptop."""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, so that `figures` is a package

from figures.pipeline.figure import AGENT_SEEDS, SCALE, FigureScript, compared, drawn
from figures.pipeline.plan import Plan
from figures.pipeline.steps import MetaTest
from groove.envs.gridworld.named import HANDCRAFTED
from groove.evaluation.compare_plots import draw_learning_curves
from groove.evaluation.results import Cell

RULES = ("a2c", "ppo", "random")
TASKS = ("gridworld/random", *(f"gridworld/{name}" for name in HANDCRAFTED))


def plan() -> Plan:
    """No meta-training."""
    return Plan((), tuple(MetaTest(rule, TASKS, SCALE.value, AGENT_SEEDS[SCALE.value]) for rule in RULES))


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Learning curves."""
    drawn(draw_learning_curves, compared(cells, RULES), path)


FIGURE = FigureScript("fig11_a2c_ppo", plan, draw)

if __name__ == "__main__":
    app.run(FIGURE.main)
