"""The suite `minigrid`: tasks of MiniGrid with sparse rewards and partial sight, in JAX."""

from functools import partial

from groove.envs.external.minigrid import NAMES, make_minigrid
from groove.evaluation.suites.agents import MLP
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name

_BUDGETS = budgets(SMOKE, Budget(800), Budget(10_000))

SUITE = Suite(
    "MiniGrid's EmptyRandom, FourRooms, DoorKey and Unlock, by XLand-MiniGrid: sparse rewards, partial sight",
    by_name(Task("minigrid", name, partial(make_minigrid, name), MLP, _BUDGETS, batch=8) for name in NAMES),
    extra="minigrid",
    module="xminigrid",
)
