"""The suite `jaxtari`: Atari games rewritten in JAX, whose observations are numbers for each object."""

from functools import partial

from groove.envs.external.jaxtari import make_jaxtari, require_jaxtari
from groove.evaluation.suites.agents import MLP
from groove.evaluation.suites.base import SMOKE, Budget, Suite, Task, budgets, by_name

_GAMES = ("pong", "freeway", "tennis", "breakout")
_BUDGETS = budgets(SMOKE, Budget(400, workers=32), Budget(100_000))
_FIVE_MINUTES = 18_000  # frames of the longest episode, as in Mnih et al. (2015): agents may stall

SUITE = Suite(
    "Atari in JAX, object by object (jaxtari); you install its sprites yourself",
    by_name(
        Task("jaxtari", game, partial(make_jaxtari, game, max_frames=_FIVE_MINUTES), MLP, _BUDGETS, batch=8)
        for game in _GAMES
    ),
    extra="jaxtari",
    module="jaxtari",
    require=require_jaxtari,
)
