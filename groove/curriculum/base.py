"""The two interfaces of this folder: a curriculum and a score."""

from collections.abc import Callable
from typing import Any, NamedTuple

from groove.types import Array, Key, LevelMemory, LevelOutcome, Metrics, PyTree


class Curriculum(NamedTuple):
    """A distribution of levels that adapts to the outcomes of lifetimes.

    A curriculum gives each of N slots a level under an id, int32. It later receives the outcome under the same id.

    Attributes:
      name: the name of the score, or "dr" for a fixed distribution; used in logs.
      needs: the fields of `LevelOutcome` that `update` reads; the meta-step computes no others.
      init: (key, n) -> (state, levels [n], ids int32 [n]). Returns the first state and the levels of the first n slots.
      sample: (state, key, wanted bool [N]) -> (state, levels [N], ids int32 [N]). Returns a level for every slot where
        `wanted`; the caller ignores the other rows.
      update: (state, ids int32 [N], outcome) -> state. Takes the outcomes of the levels with these ids; rows where
        `outcome.finished` is false are ignored. Called before `sample`.
      recall: (state, ids int32 [N]) -> LevelMemory [N]. Returns what earlier lifetimes recorded on these levels.
      weight: (state, ids int32 [N]) -> f32 [N]. Returns the weight of each slot's lifetime in the meta-gradient.
      metrics: state -> scalars for the log.
      top: (state, count) -> (levels [count], scores f32 [count]). Returns the levels of the highest scores, best first;
        a score of NaN marks a row without a level. None for a curriculum without scores.
      generate: (state, key, count) -> levels [count], as a learned generator designs them now, for logs and pictures.
        None for a curriculum without a generator.
    """

    name: str
    needs: frozenset[str]
    init: Callable[[Key, int], tuple[Any, PyTree, Array]]
    sample: Callable[[Any, Key, Array], tuple[Any, PyTree, Array]]
    update: Callable[[Any, Array, LevelOutcome], Any]
    recall: Callable[[Any, Array], LevelMemory]
    weight: Callable[[Any, Array], Array]
    metrics: Callable[[Any], Metrics]
    top: Callable[[Any, int], tuple[PyTree, Array]] | None
    generate: Callable[[Any, Key, int], PyTree] | None = None


class Score(NamedTuple):
    """A score of levels: the replay prefers levels of high scores and evicts levels of low scores.

    Attributes:
      fn: outcome -> f32 [N], a pure function. A score that is not finite makes the buffer drop the level.
      needs: the fields of `LevelOutcome` that `fn` reads.
      about: one line for listings.
    """

    fn: Callable[[LevelOutcome], Array]
    needs: frozenset[str]
    about: str
