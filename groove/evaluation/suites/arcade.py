"""The suite `arcade`: games of jumanji in the style of Atari."""

from functools import partial

from groove.envs.external.jumanji import make_jumanji
from groove.evaluation.suites.agents import MLP
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name

_GAMES = {"PacMan": "PacMan-v1", "Snake": "Snake-v1", "Tetris": "Tetris-v0"}
_BUDGETS = budgets(SMOKE, Budget(400, workers=32), Budget(100_000))

SUITE = Suite(
    "games in the style of Atari, in JAX: jumanji's PacMan, Snake and Tetris",
    by_name(Task("arcade", name, partial(make_jumanji, game), MLP, _BUDGETS, batch=8) for name, game in _GAMES.items()),
    extra="arcade",
    module="jumanji",
)
