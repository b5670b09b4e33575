"""The optimality gap as a share of the optimal return: a score of levels."""

import jax.numpy as jnp

from groove.curriculum.base import Score
from groove.types import Array, LevelOutcome


def optimality_gap(outcome: LevelOutcome) -> Array:
    """Return (V* - V(eta)) / max(|V*|, 1/10), f32 [N].

    V* is the optimal return and V(eta) the student's return. The gap is 0 for a perfect student and 1 for a student
    that earns nothing, in any unit of reward in which |V*| is at least 1/10.
    """
    gap = outcome.optimal_return - outcome.student_return
    return gap / jnp.maximum(jnp.abs(outcome.optimal_return), 0.1)


GAP = Score(
    fn=optimality_gap,
    needs=frozenset({"student_return", "optimal_return"}),
    about="(optimal return - student's return) / optimal return",
)
