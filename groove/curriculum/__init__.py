"""Curricula: distributions over levels that adapt to how the lifetimes lived on them end."""

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer, Status
from groove.curriculum.fixed import make_dr
from groove.curriculum.plr import PLRConfig, PLRState, make_plr, replay_distribution
from groove.curriculum.registry import CURRICULA, CurriculumSpec, make_curriculum, parse_curriculum
from groove.curriculum.scores import SCORES, Score, algorithmic_regret

__all__ = [
    "CURRICULA",
    "SCORES",
    "Curriculum",
    "CurriculumSpec",
    "LevelBuffer",
    "PLRConfig",
    "PLRState",
    "Score",
    "Status",
    "algorithmic_regret",
    "make_curriculum",
    "make_dr",
    "make_plr",
    "parse_curriculum",
    "replay_distribution",
]
