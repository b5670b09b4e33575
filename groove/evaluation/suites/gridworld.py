"""The suite `gridworld`: unseen random levels, mazes, and the named gridworlds of LPG (Oh et al. 2020)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from groove.agents.agent import AgentConfig
from groove.envs.base import EnvFamily
from groove.envs.gridworld.dynamics import make_gridworld
from groove.envs.gridworld.levels import GridLevel, GridSizes, LevelDistribution
from groove.envs.gridworld.mazes import make_mazes
from groove.envs.gridworld.named import HANDCRAFTED, RANDOM_GRIDS, make_level, make_named_family, named_sizes
from groove.evaluation.suites.agents import GRID_NETWORK, TABLE
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name
from groove.types import Key

_SMOKE = Budget(4, workers=4, levels=4, episodes=2, points=2, steps=5)
_PAPER = Budget(2500, levels=256, episodes=64)
_RANDOM = budgets(_SMOKE, Budget(250, workers=16, levels=256, points=5), _PAPER)
_MAZES = budgets(_SMOKE, Budget(250, workers=16, levels=64, points=5), _PAPER)
_HANDCRAFTED = budgets(SMOKE, Budget(500, workers=16, levels=4), Budget(2500, levels=16))
_RANDOM_GRIDS = budgets(SMOKE, Budget(1500, workers=16, levels=1), Budget(25_000, levels=1))


def make_random_levels() -> EnvFamily:
    """Build the environment of random levels from the default distribution of meta-training."""
    return make_gridworld(GridSizes(), LevelDistribution())


def _named_tasks(names: Sequence[str], agent: AgentConfig, spent: Mapping[str, Budget]) -> Iterator[Task]:
    """Build a task for each named level; all of them share one environment that holds every level."""
    sizes = named_sizes(names)
    make = partial(make_named_family, names)
    for name in names:
        sample = partial(_draw_named, name, sizes)
        yield Task("gridworld", name, make, agent, spent, sample=sample, family=names[0])


def _draw_named(name: str, sizes: GridSizes, key: Key) -> GridLevel:
    return make_level(name, key, sizes)


SUITE = Suite(
    "unseen random levels, mazes, LPG's five tabular levels and five random grids",
    by_name(
        [
            Task("gridworld", "random", make_random_levels, TABLE, _RANDOM),
            Task("gridworld", "mazes", make_mazes, TABLE, _MAZES),
            *_named_tasks(tuple(HANDCRAFTED), TABLE, _HANDCRAFTED),
            *_named_tasks(tuple(RANDOM_GRIDS), GRID_NETWORK, _RANDOM_GRIDS),
        ]
    ),
)
