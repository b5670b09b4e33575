"""The suite `chain`: delayed rewards on a chain of states."""

from functools import partial

from groove.envs.chain import make_chain
from groove.evaluation.suites.agents import GRID_NETWORK, TABLE
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name

_BUDGETS = budgets(SMOKE, Budget(250, workers=16, levels=16, points=5), Budget(2500, levels=64))

SUITE = Suite(
    "LPG's delayed chains, tabular and among distractors",
    by_name(
        [
            Task("chain", "tabular", partial(make_chain, "tabular"), TABLE, _BUDGETS),
            Task("chain", "distractor", partial(make_chain, "distractor"), GRID_NETWORK, _BUDGETS),
        ]
    ),
)
