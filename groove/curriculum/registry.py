"""The registry of curricula: METHOD[:SCORE][@SOURCE], or a source alone for a fixed distribution of levels."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from groove.curriculum.accel import make_accel
from groove.curriculum.archive import ArchiveConfig, make_archive
from groove.curriculum.base import Curriculum
from groove.curriculum.colearn import ColearnConfig, make_colearn
from groove.curriculum.fixed import make_dr
from groove.curriculum.generators.generator import GeneratorConfig
from groove.curriculum.ncc import NCCConfig, make_ncc
from groove.curriculum.paired import make_paired
from groove.curriculum.plr import make_plr
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.scores import SCORES
from groove.curriculum.sources.registry import BASE, SOURCES, check_source, source_names
from groove.envs.base import EnvFamily
from groove.envs.registry import ENVIRONMENTS
from groove.utils.errors import GrooveError, unknown_name

FIXED = "fixed"  # the method of a source alone
DEFAULT_SCORE = "ar"  # the score of a method that is named without one


class Settings(NamedTuple):
    """The settings of all methods; each reads its own."""

    plr: PLRConfig
    paired: GeneratorConfig = GeneratorConfig()
    ncc: NCCConfig = NCCConfig()
    archive: ArchiveConfig = ArchiveConfig()
    colearn: ColearnConfig = ColearnConfig()


class MethodEntry(NamedTuple):
    """One registered method of choosing levels by their scores.

    Attributes:
      make: (env, settings, score, num_slots) -> the curriculum. `env` draws new levels, `score` is a key of `SCORES`,
        and `num_slots` is the number of levels in training at once.
      about: one line for listings.
      replays: whether levels are replayed.
      designs: whether a generator designs levels.
      learns: whether the replay distribution is learned, instead of computed from the newest scores.
      credits: whether levels are credited with the progress on other levels.
      has_cells: whether the buffer keeps one level for each cell of an archive.
    """

    make: Callable[[EnvFamily, Settings, str, int], Curriculum]
    about: str
    replays: bool = True
    designs: bool = False
    learns: bool = False
    credits: bool = False
    has_cells: bool = False


def _paired(replay: bool) -> Callable[[EnvFamily, Settings, str, int], Curriculum]:
    return lambda env, settings, score, n: make_paired(env, settings.plr, settings.paired, score, n, replay=replay)


METHODS: Mapping[str, MethodEntry] = {
    "plr": MethodEntry(
        lambda env, settings, score, n: make_plr(env, settings.plr, score, n),
        "prioritised level replay; a score alone, as in pvl, is short for plr:pvl",
    ),
    "accel": MethodEntry(
        lambda env, settings, score, n: make_accel(env, settings.plr, score, n),
        "level replay whose new levels are edited copies of buffered levels",
    ),
    "ncc": MethodEntry(
        lambda env, settings, score, n: make_ncc(env, settings.plr, settings.ncc, score, n),
        "level replay from a distribution that is learned by gradient ascent",
        learns=True,
    ),
    "colearn": MethodEntry(
        lambda env, settings, score, n: make_colearn(env, settings.plr, settings.colearn, score, n),
        "level replay by the score plus how much training on the level helped on other levels",
        credits=True,
    ),
    "archive": MethodEntry(
        lambda env, settings, score, n: make_archive(env, settings.plr, settings.archive, score, n),
        "level replay of the best level for each range of two features; new levels are changed towards weak ranges",
        has_cells=True,
    ),
    "paired": MethodEntry(
        _paired(replay=False), "levels designed by a generator that seeks high scores", replays=False, designs=True
    ),
    "repaired": MethodEntry(_paired(replay=True), "paired, and replay of the levels of high score", designs=True),
}


class CurriculumSpec(NamedTuple):
    """The parts of a curriculum's name.

    Attributes:
      method: a key of `METHODS`, or "fixed" for a source alone.
      score: a key of `SCORES`; empty for "fixed".
      source: the source of new levels, as `make_source` reads it.
    """

    method: str
    score: str
    source: str


def curriculum_names() -> tuple[str, ...]:
    """Return the names that a curriculum can consist of: scores, methods and sources, the base source first."""
    return (BASE, *SCORES, *METHODS, *(name for name in source_names() if name != BASE))


def parse_curriculum(name: str) -> CurriculumSpec:
    """Split a curriculum's name into its method, its score and its source.

    ::

        ar, pvl, ...     level replay by this score, with new levels from the base source; short for plr:ar, ...
        accel            another method, by algorithmic regret
        accel:pvl        another method, by this score
        paired@worlds    levels that a generator designs
        ar@mazes         level replay with new levels from this source
        dr, mazes, ...   a source alone: a fixed distribution

    Raises:
      GrooveError: on an unknown score or method, with the nearest name, or an empty one. A source is checked by
        `check_source`.
    """
    head, at, source = name.partition("@")
    if at and not source:
        raise GrooveError(f'"{name}" names no source after "@"; write for instance ar@mazes.')
    method, colon, score = head.partition(":")
    if colon and not score and (method in METHODS or method in SCORES):
        raise GrooveError(f'"{name}" names no score after ":"; write {method}, or for instance plr:pvl.')
    if method in SCORES and not score:
        return CurriculumSpec("plr", method, source or BASE)
    if method in METHODS:
        if score and score not in SCORES:
            raise unknown_name("score", score, SCORES)
        return CurriculumSpec(method, score or DEFAULT_SCORE, source or BASE)
    if at and method.isidentifier() and method not in SOURCES and method not in ENVIRONMENTS:
        raise unknown_name("score or method", head, (*SCORES, *METHODS))
    return CurriculumSpec(FIXED, "", name)


def check_curriculum(name: str) -> None:
    """Refuse a name that no curriculum has; open no file and start no backend.

    Raises:
      GrooveError: on an unknown score, method or source, with the nearest name.
    """
    spec = parse_curriculum(name)
    if name.isidentifier() and spec.method == FIXED and name not in curriculum_names():
        raise unknown_name("curriculum", name, curriculum_names())
    check_source(spec.source)


def make_curriculum(spec: CurriculumSpec, env: EnvFamily, settings: Settings, num_slots: int) -> Curriculum:
    """Build a curriculum.

    Args:
      spec: the parts of the name; `env` is built from its source.
      env: the family whose `sample_level` draws new levels.
      settings: the settings of the methods; a fixed distribution ignores them.
      num_slots: N, the number of levels in training at once.

    Raises:
      GrooveError: if the buffer does not suit N, or the method does not suit the levels.
      ValueError: if N is less than one.
    """
    if num_slots < 1:
        raise ValueError(f"num_slots = {num_slots}: a curriculum needs at least one slot.")
    if not spec.score:
        return make_dr(env.sample_level)
    return METHODS[spec.method].make(env, settings, spec.score, num_slots)
