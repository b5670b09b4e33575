"""What a level is worth to a curriculum: pure functions of the outcomes of the lifetimes lived on it.

Each returns f32 [N], higher for levels to replay sooner.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax.numpy as jnp

from groove.types import Array, LevelOutcome

_LEAST_STAKE = 0.1  # below which a return is mostly noise


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

    with V the mean return at the end of the lifetime, of the best A where there are several. Negative where the learned
    rule does better, and never clipped: the levels it already does best on are to rank last and to be evicted first.
    """
    return outcome.antagonist_return - outcome.student_return


def relative_regret(outcome: LevelOutcome) -> Array:
    """Algorithmic regret as a share of what is at stake, so that levels of large rewards do not outrank all others.

        (V(A) - V(eta)) / max(|V(A)|, |V(eta)|, 1/10)

    in [-2, 2]. It does not change with the unit of reward, but for returns so small that their noise is large beside
    them. For sources whose levels pay at every step, and whose returns differ by factors of hundreds.
    """
    stake = jnp.maximum(jnp.abs(outcome.antagonist_return), jnp.abs(outcome.student_return))
    return algorithmic_regret(outcome) / jnp.maximum(stake, _LEAST_STAKE)


def optimal_regret(outcome: LevelOutcome) -> Array:
    """How far the agent stays behind the best policy: V* - V(eta), V* by dynamic programming (Jackson et al. 2023)."""
    return outcome.optimal_return - outcome.student_return


def positive_value_loss(outcome: LevelOutcome) -> Array:
    """mean_t max(A_t, 0), A_t the generalised advantage under the critic beside the student (Jiang et al. 2021b)."""
    return outcome.positive_value_loss


def l1_value_loss(outcome: LevelOutcome) -> Array:
    """mean_t |A_t|, A_t the generalised advantage under the critic beside the student (Jiang et al. 2021a)."""
    return outcome.l1_value_loss


def max_monte_carlo(outcome: LevelOutcome) -> Array:
    """mean_t (R_max - V(s_t)), R_max the best return of a student's episode ever on the level (Jiang et al. 2021b).

    R_max is undiscounted and V discounted, as in the literature. A level on which no episode was ever completed has no
    score, which a curriculum takes for a lifetime to forget.
    """
    return outcome.best_return - outcome.value


def learnability(outcome: LevelOutcome) -> Array:
    """p (1 - p), the variance of success (Rutherford et al. 2024), for returns G of any range: Var(G) / max |G|^2.

    Between the episodes of the agent at the end of its lifetime. Equals p (1 - p) where G is 0 or 1, does not change
    with the unit of reward, and is 0 where every episode returns the same.
    """
    return outcome.student_variance / jnp.maximum(outcome.student_largest, 1e-6) ** 2


def uniform(outcome: LevelOutcome) -> Array:
    """The same for every level: replay without a preference."""
    return jnp.zeros(outcome.finished.shape)


def _score(fn: Callable[[LevelOutcome], Array], *needs: str) -> Score:
    return Score(fn, frozenset(needs))


SCORES: Mapping[str, Score] = {
    "ar": _score(algorithmic_regret, "student_return", "antagonist_return"),
    "relative": _score(relative_regret, "student_return", "antagonist_return"),
    "optimal": _score(optimal_regret, "student_return", "optimal_return"),
    "pvl": _score(positive_value_loss, "positive_value_loss"),
    "l1": _score(l1_value_loss, "l1_value_loss"),
    "maxmc": _score(max_monte_carlo, "best_return", "value"),
    "learnability": _score(learnability, "student_variance", "student_largest"),
    "uniform": _score(uniform),
}
