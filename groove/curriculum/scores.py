"""What a level is worth to a curriculum: pure functions of the outcomes of the lifetimes lived on it."""

from collections.abc import Callable
from typing import NamedTuple

from groove.types import Array, LevelOutcome


class Score(NamedTuple):
    """A score and the outcome fields it needs.

    Attributes:
      fn: outcome -> f32 [N], higher for levels to replay sooner.
      needs: the fields of LevelOutcome that `fn` reads.
    """

    fn: Callable[[LevelOutcome], Array]
    needs: frozenset[str]


def algorithmic_regret(outcome: LevelOutcome) -> Array:
    """How much better a hand-written algorithm does on the level than the learned rule (Jackson et al. 2023).

        AR(eta, level) = V_level(A) - V_level(eta)

    with V the mean return at the end of the lifetime. Negative where the learned rule does better, and never
    clipped: the levels it already does best on are to rank last and to be evicted first.

    Returns:
      f32 [N], in units of undiscounted return.
    """
    return outcome.antagonist_return - outcome.student_return


SCORES: dict[str, Score] = {
    "ar": Score(algorithmic_regret, frozenset({"student_return", "antagonist_return"})),
}
