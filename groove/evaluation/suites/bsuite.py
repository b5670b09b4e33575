"""The suite `bsuite`: small tasks that test one ability each."""

from groove.evaluation.suites.agents import MLP
from groove.evaluation.suites.base import Suite, by_name
from groove.evaluation.suites.gymnax_tasks import gymnax_tasks

_GAMES = {"Catch": "Catch-bsuite", "DeepSea": "DeepSea-bsuite", "DiscountingChain": "DiscountingChain-bsuite"}

SUITE = Suite(
    "small tasks that test one ability each (Osband et al. 2020)",
    by_name(gymnax_tasks("bsuite", _GAMES, MLP, laptop=400, paper=2500)),
)
