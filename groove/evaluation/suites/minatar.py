"""The suite `minatar`: the five games of MinAtar."""

from groove.evaluation.suites.agents import MLP
from groove.evaluation.suites.base import Suite, by_name
from groove.evaluation.suites.gymnax_tasks import gymnax_tasks

_GAMES = {name: f"{name}-MinAtar" for name in ("Asterix", "Breakout", "Freeway", "SpaceInvaders", "Seaquest")}
_SHORTER = {"Seaquest": 100}  # laptop lifetimes, in agent updates

SUITE = Suite(
    "the five games of MinAtar (Young and Tian 2019)",
    by_name(gymnax_tasks("minatar", _GAMES, MLP, laptop=800, paper=100_000, laptop_exceptions=_SHORTER)),
)
