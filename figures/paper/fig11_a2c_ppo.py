"""Figure 11: A2C and PPO on random and handcrafted gridworlds.

python figures/paper/fig11_a2c_ppo.py --scale laptop
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the repository, which holds the package `figures`

from figures.pipeline.figure import FigureScript, compared
from figures.pipeline.meta_tests import MetaTest
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.style import save_drawn
from groove.cli._main import run_program
from groove.envs.gridworld.named import HANDCRAFTED
from groove.evaluation.comparisons.compare_plots import draw_learning_curves
from groove.evaluation.results import Cell

RULES = ("a2c", "ppo", "random")
TASKS = ("gridworld/random", *(f"gridworld/{name}" for name in HANDCRAFTED))


def plan(scale: Scale) -> Plan:
    """Return the plan of the meta-tests; the rules are hand-written, so nothing is meta-trained."""
    return Plan((), tuple(MetaTest(rule, TASKS, scale.name, scale.agents) for rule in RULES))


def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
    """Draw learning curves."""
    save_drawn(draw_learning_curves, compared(cells, RULES), path)


FIGURE = FigureScript(
    "fig11_a2c_ppo", "Draw figure 11: learning curves of A2C and PPO on random and handcrafted gridworlds.", plan, draw
)
PROGRAM = FIGURE.program()

if __name__ == "__main__":
    sys.exit(run_program(PROGRAM, sys.argv))
