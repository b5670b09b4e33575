"""The levels of a run for its report, and new agents that live on them under the rule of the run.

An agent of the learned rule and one of the antagonist live on each level. Levels of the highest scores come first;
levels that the time does not suffice for are shown without agents.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from groove.agents.agent import Agent, policy_form
from groove.envs.gridworld.levels import GridLevel, GridSizes, sizes_of
from groove.lifetimes.recording import Life, LifeRecorder, Performance, ages_until, make_performance
from groove.lpg.base import UpdateRule
from groove.lpg.registry import make_rule
from groove.meta.groups import Group
from groove.meta.trainer import TrainState
from groove.training.antagonists import OPTIMAL, short_name
from groove.training.build import agent_for
from groove.training.settings.config import BASELINE, BASELINE_LABEL, Config
from groove.training.trained_levels import can_be_saved, trained_levels
from groove.types import Stream
from groove.utils import parallel
from groove.utils.processes import is_first, to_host

MOST_LEVELS = 12
_INTERVALS = 8  # between the ages at which agents are evaluated
_EPISODES = 32  # at each age
_WATCHED = 100  # environment steps of a recorded episode, at most


@dataclass(frozen=True)
class ShownLevel:
    """A level of the gallery.

    Attributes:
      level: the level, NumPy arrays.
      sizes: static sizes of the level.
      group: the kind of agents that live on the level; empty if the run has one kind.
      score: under the curriculum; NaN if the level has none.
      features: name -> value.
      student: the life of an agent under the learned rule; None if there was no time for one.
      antagonist: the life of an agent under the antagonist.
    """

    level: GridLevel
    sizes: GridSizes
    group: str
    score: float
    features: dict[str, float]
    student: Life | None = None
    antagonist: Life | None = None


@dataclass(frozen=True)
class Gallery:
    """The levels of a run, best first.

    Attributes:
      levels: the levels.
      score: name of the score.
      antagonist: name of the rule of the antagonist.
      note: what is missing, and why; empty if nothing is.
    """

    levels: Sequence[ShownLevel]
    score: str
    antagonist: str
    note: str = ""


def make_gallery(
    config: Config, groups: Sequence[Group], state: TrainState, seconds: float, count: int = MOST_LEVELS
) -> Gallery:
    """Choose the levels of a run with the highest scores, and let new agents live on them.

    In a run of several processes all of them have to call this together; the first one trains agents.

    Args:
      config: of the run.
      groups: of the run.
      state: of the run, with the rule.
      seconds: wall-clock time to train agents in; 0 for no agents. At least one level gets its agents.
      count: number of levels, at most.
    """
    chosen = [
        (group, level)
        for index, group in enumerate(groups)
        for level in _levels(config, groups, index, state, max(1, count // len(groups)))
    ]
    eta = to_host(state.eta)
    if not chosen:
        return Gallery(
            (),
            "score",
            "",
            "The levels of this run are not gridworlds that stay the same, or none has a "
            "score yet, so that there are none to show.",
        )
    name = short_name(_antagonist_name(config, groups))
    score = "regret" if groups[0].curriculum.name == "ar" else f"score ({groups[0].curriculum.name})"
    if not seconds or not is_first():
        return Gallery([level for _, level in chosen], score, name, _no_agents(seconds))
    stop_at = time.monotonic() + seconds
    shown = _with_lives(config, chosen, eta, stop_at)
    lived = sum(level.student is not None for level in shown)
    note = (
        f"There was time for agents on {lived} of {len(shown)} levels; --seconds gives more."
        if lived < len(shown)
        else ""
    )
    return Gallery(shown, score, name, note)


def _no_agents(seconds: float) -> str:
    return "" if seconds else "No agents were trained for this page: groove report RUN --seconds 60 trains some."


def _levels(config: Config, groups: Sequence[Group], index: int, state: TrainState, count: int) -> list[ShownLevel]:
    """Return the levels of one group with the highest scores; none if they cannot be drawn."""
    group = groups[index]
    levels, scores = trained_levels(groups, index, state, min(count, config.plr.buffer_size))
    describe = group.setup.env.describe
    if not can_be_saved(levels, group) or describe is None:
        return []
    features = {
        name: np.asarray(values)
        for name, values in jax.jit(jax.vmap(describe), compiler_options=parallel.RUN_ONCE)(levels).items()
    }
    sizes, of = sizes_of(levels, config.sizes), group.name if len(groups) > 1 else ""
    return [
        ShownLevel(
            jax.tree.map(lambda x, i=i: np.asarray(x)[i], levels),
            sizes,
            of,
            float(scores[i]),
            {name: float(values[i]) for name, values in features.items()},
        )
        for i in range(min(count, len(scores)))
    ]


def _with_lives(
    config: Config, chosen: Sequence[tuple[Group, ShownLevel]], eta: Any, stop_at: float
) -> list[ShownLevel]:
    """Return the levels with lives on as many of the first ones as there is time for."""
    recorders: dict[str, tuple[LifeRecorder, LifeRecorder, Any]] = {}
    key = jax.random.fold_in(jax.random.key(config.seed), Stream.DIAGNOSIS)
    shown: list[ShownLevel] = []
    for i, (group, level) in enumerate(chosen):
        if shown and time.monotonic() >= stop_at:
            shown.append(level)
            continue
        if group.name not in recorders:
            recorders[group.name] = _recorders(config, group)
        student, antagonist, antagonist_eta = recorders[group.name]
        ages = ages_until(int(level.level.lifetime), _INTERVALS)
        own_key = jax.random.fold_in(key, i)
        lives = (
            student(eta, level.level, own_key, ages),
            antagonist(antagonist_eta, level.level, own_key, ages),
        )
        shown.append(ShownLevel(level.level, level.sizes, level.group, level.score, level.features, *lives))
    return shown


def _recorders(config: Config, group: Group) -> tuple[LifeRecorder, LifeRecorder, Any]:
    """Return what records students and antagonists of a group, and the parameters of the antagonist's rule."""
    setup = group.setup

    programs: dict[Any, Performance] = {}  # one for all agents of a form

    def recorder(rule: UpdateRule, agent: Agent) -> LifeRecorder:
        form = policy_form(agent)
        if form not in programs:
            programs[form] = make_performance(setup.env, agent, episodes=_EPISODES, watched=_WATCHED)
        perform = programs[form]
        return LifeRecorder(setup.env, rule, agent, perform, workers=setup.workers, steps=setup.steps)

    student = recorder(setup.rule, setup.student)
    if setup.antagonists:
        first = setup.antagonists[0]
        return student, recorder(first.rule, first.agent), first.eta
    rule = make_rule(BASELINE, config.rules[BASELINE], config.discount)
    return student, recorder(rule, agent_for(config, setup.env, rule)), ()


def _antagonist_name(config: Config, groups: Sequence[Group]) -> str:
    """Return the name of the rule beside the learned one: the first antagonist that is a rule, or the baseline."""
    if groups[0].setup.antagonists:
        return next(name for name in config.antagonists if name != OPTIMAL)
    return BASELINE_LABEL
