"""The suite `atari`: real Atari games, stepped on the host."""

from groove.envs.external.atari import ATARI_57, SMALL, make_atari
from groove.envs.external.host import HostEnv
from groove.evaluation.suites.agents import NATURE
from groove.evaluation.suites.base import Budget, Suite, Task, budgets, by_name

_BUDGETS = budgets(
    Budget(2, workers=2, episodes=2, points=1, steps=5, max_frames=400),
    Budget(300, workers=16, episodes=4, points=3),
    Budget(100_000, workers=64),
)


def _task(game: str) -> Task:
    def make(workers: int, seed: int, max_frames: int) -> HostEnv:
        return make_atari(game, workers, seed, max_frames=max_frames)

    return Task("atari", game, None, NATURE, _BUDGETS, make_host=make)


SUITE = Suite(
    "real Atari games; any of the 57 by name",
    by_name(_task(game) for game in SMALL),
    extra="atari",
    module="ale_py",
    optional=by_name(_task(game) for game in ATARI_57 if game not in SMALL),
)
