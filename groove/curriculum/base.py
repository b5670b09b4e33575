"""The interface of a curriculum: it chooses the level each slot trains on next, and hears how the last one went."""

from collections.abc import Callable
from typing import Any, NamedTuple

from groove.types import Array, Key, LevelMemory, LevelOutcome, Metrics, PyTree


class Curriculum(NamedTuple):
    """A distribution over levels that adapts to outcomes.

    Attributes:
      name: as in the registry.
      needs: the fields of LevelOutcome it reads; only these are computed.
      init: (key, n) -> (state, levels [n], ids int32 [n]): the curriculum with the first n slots' levels handed out.
      sample: (state, key, wanted bool [N]) -> (state, levels [N], ids int32 [N]): a level for each slot that wants
        one; what it returns for other slots is to be ignored.
      update: (state, ids int32 [N], outcome) -> state: outcomes of the levels handed out under these ids; slots whose
        `outcome.finished` is false are ignored. Called before `sample`.
      recall: (state, ids int32 [N]) -> LevelMemory [N] of the levels handed out under these ids.
      weight: (state, ids int32 [N]) -> f32 [N]: how much the meta-gradient is to learn from lifetimes on them.
      metrics: state -> scalars for the log.
      top: (state, count) -> (levels [count], scores [count]): the highest-scoring levels, best first, score NaN where
        there are none; None for a curriculum that keeps no scores.
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
