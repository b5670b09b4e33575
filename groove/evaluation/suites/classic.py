"""The suite `classic`: classic control."""

from groove.evaluation.suites.agents import CLASSIC
from groove.evaluation.suites.base import Suite, by_name
from groove.evaluation.suites.gymnax_tasks import gymnax_tasks

_GAMES = {"CartPole": "CartPole-v1", "Acrobot": "Acrobot-v1", "MountainCar": "MountainCar-v0"}

SUITE = Suite("classic control", by_name(gymnax_tasks("classic", _GAMES, CLASSIC, laptop=2500, paper=10_000)))
