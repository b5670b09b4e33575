"""Methods that figures compare: their trainings and tests, and the figures that differ only in their methods."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from figures.pipeline.figure import FigureScript, compared
from figures.pipeline.meta_tests import MetaTest
from figures.pipeline.plan import Plan
from figures.pipeline.request import Request, Scale
from figures.pipeline.steps import FirstLevels
from figures.pipeline.style import draw_bars
from groove.evaluation.results import Cell
from groove.sweep.steps import MetaTraining

REFERENCES = ("a2c", "random")  # every figure tests them beside its methods
GAMES = tuple(f"minatar/{game}" for game in ("Asterix", "Breakout", "Freeway", "SpaceInvaders"))  # the paper's four


def games(scale: Scale) -> tuple[str, ...]:
    """Return the paper's four games of MinAtar, or one of them at smoke scale."""
    return GAMES[1:2] if scale.name == "smoke" else GAMES


def trainings(
    scale: Scale, label: str, curriculum: str, *overrides: str, levels: FirstLevels | None = None
) -> list[MetaTraining]:
    """Return the meta-trainings of one method, one per meta-seed.

    Args:
      scale: the amount of computation.
      label: name of the method.
      curriculum: its curriculum.
      *overrides: FIELD=VALUE settings.
      levels: level set whose path ends the curriculum's name.
    """
    return [MetaTraining(label, curriculum, seed, scale.preset, overrides, levels) for seed in range(scale.meta_seeds)]


def tested(scale: Scale, rules: Sequence[MetaTraining], tasks: tuple[str, ...], agents: int) -> Plan:
    """Return the plan that trains rules and tests them beside A2C and random play.

    Args:
      scale: the amount of computation.
      rules: the trainings.
      tasks: suites and single tasks.
      agents: agents of each rule on each level.
    """
    named: tuple[MetaTraining | str, ...] = (*rules, *REFERENCES)
    tests = [MetaTest(rule, tasks, scale.name, agents) for rule in named]
    return Plan((tuple(rules),), tuple(tests))


def groove_and_lpg(scale: Scale, tasks: tuple[str, ...]) -> Plan:
    """Return the plan that trains and tests `groove` and `lpg` as they are released."""
    rules = [*trainings(scale, "groove", "ar@varied"), *trainings(scale, "lpg", "varied")]
    return tested(scale, rules, tasks, scale.agents)


def on_games(name: str, summary: str, methods: Mapping[str, Sequence[str]], claim: str) -> FigureScript:
    """Return a figure that compares many methods on games of MinAtar, after shorter trainings.

    Args:
      name: file name of its pictures.
      summary: one sentence that says what it shows.
      methods: label -> curriculum, followed by FIELD=VALUE settings.
      claim: the paper's claim, for the caption.
    """

    def plan(scale: Scale) -> Plan:
        rules: list[MetaTraining] = []
        for label, (curriculum, *settings) in methods.items():
            rules += trainings(scale, label, curriculum, *scale.shorter, *settings)
        return tested(scale, rules, games(scale), scale.fewer_agents)

    def draw(request: Request, cells: Sequence[Cell], path: Path) -> None:
        labels = tuple(methods)
        draw_bars(compared(cells, (*labels, *REFERENCES)), labels, path, claim)

    return FigureScript(name, summary, plan, draw)
