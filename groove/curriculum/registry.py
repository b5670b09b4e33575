"""Curricula by name: METHOD[:SCORE][@SOURCE], or a source alone for a fixed distribution of levels."""

from difflib import get_close_matches
from typing import NamedTuple

from groove.curriculum.base import Curriculum
from groove.curriculum.fixed import make_dr
from groove.curriculum.plr import PLRConfig, make_plr
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily

BASE_SOURCE = "dr"  # random levels
CURRICULA: tuple[str, ...] = ("dr", *SCORES, "accel")


class CurriculumSpec(NamedTuple):
    """What a curriculum's name says.

    Attributes:
      method: "fixed", "plr" or "accel".
      score: name in SCORES; empty for "fixed".
      source: where new levels come from, as groove.sources reads it.
    """

    method: str
    score: str
    source: str


def parse_curriculum(name: str) -> CurriculumSpec:
    """Reads a curriculum's name.

        ar, pvl, ...     replay prioritised by this score, of levels from the base distribution
        accel            the same by algorithmic regret, new levels being edits of old ones
        accel:pvl        by another score
        ar@mazes         replay of levels from another source
        dr, mazes, ...   a source alone: a fixed distribution

    Raises:
      ValueError: on an unknown score, naming the nearest one. Sources are checked where they are built.
    """
    head, at, source = name.partition("@")
    if at and not source:
        raise ValueError(f'"{name}" names no source after "@"; write for instance ar@mazes.')
    method, _, score = head.partition(":")
    if method in SCORES and not score:
        return CurriculumSpec("plr", method, source or BASE_SOURCE)
    if method == "accel":
        if score and score not in SCORES:
            nearest = get_close_matches(score, SCORES, n=1, cutoff=0.0)[0]
            raise ValueError(f'unknown score "{score}" (did you mean "{nearest}"?); there are {", ".join(SCORES)}.')
        return CurriculumSpec("accel", score or "ar", source or BASE_SOURCE)
    return CurriculumSpec("fixed", "", name)


def make_curriculum(spec: CurriculumSpec, env: EnvFamily, config: PLRConfig, num_slots: int) -> Curriculum:
    """Makes a curriculum.

    Args:
      spec: which; its source is `env`.
      env: the family whose `sample_level` draws new levels.
      config: of the replay; not read by fixed distributions.
      num_slots: N, slots.

    Raises:
      ValueError: on less than one slot, if the buffer does not suit the slots, or if levels cannot be edited.
    """
    if num_slots < 1:
        raise ValueError(f"num_slots = {num_slots}: a curriculum needs at least one slot.")
    if spec.method == "fixed":
        return make_dr(env.sample_level)
    if spec.method == "accel" and env.mutate is None:
        raise ValueError(f'accel edits levels, but those of "{env.name}" cannot be edited; choose gridworld levels.')
    mutate = env.mutate if spec.method == "accel" else None
    return make_plr(env.sample_level, config, SCORES[spec.score], num_slots, spec.score, mutate)
