"""The scores by which levels are replayed, and their registry.

A new score is one file, which builds its `Score`, and one line of `SCORES`.
"""

from collections.abc import Callable, Mapping

import jax.numpy as jnp

from groove.curriculum.base import Score
from groove.types import Array, LevelOutcome

_LEAST_STAKE = 0.1  # smaller returns are mostly noise


def algorithmic_regret(outcome: LevelOutcome) -> Array:
    """Return algorithmic regret (Jackson et al. 2023, GROOVE), f32 [N].

    For a level, a hand-written algorithm A and the learned rule eta::

        AR(eta, level) = V_level(A) - V_level(eta)

    V is the mean return at the end of a lifetime. With several antagonists, A is the best one. The regret is negative
    where the learned rule is better. Negative values are not clipped: levels on which the rule is already better rank
    last and are evicted first.
    """
    return outcome.antagonist_return - outcome.student_return


def relative_regret(outcome: LevelOutcome) -> Array:
    """Return algorithmic regret divided by the larger of the two returns, f32 [N] in [-2, 2].

    With V, A and eta as in `algorithmic_regret`::

        (V(A) - V(eta)) / max(|V(A)|, |V(eta)|, 1/10)

    The division keeps levels with large rewards from outranking all others. The score does not depend on the unit of
    reward, except for returns below 1/10, which are mostly noise. Use the score for sources whose levels pay a reward
    at every step, where returns differ by factors of hundreds.
    """
    stake = jnp.maximum(jnp.abs(outcome.antagonist_return), jnp.abs(outcome.student_return))
    return algorithmic_regret(outcome) / jnp.maximum(stake, _LEAST_STAKE)


def flexible_regret(outcome: LevelOutcome) -> Array:
    """Return the best episode of either agent minus the mean of the other, at least 0, f32 [N] (Dennis et al. 2020).

    With G the returns of evaluation episodes at the end of both lifetimes::

        max(max G(A) - mean G(eta), max G(eta) - mean G(A), 0)

    Either of the two may be ahead. This is the flexible regret of PAIRED's public code.
    """
    antagonist = outcome.antagonist_best - outcome.student_return
    student = outcome.student_best - outcome.antagonist_return
    return jnp.maximum(jnp.maximum(antagonist, student), 0.0)


def optimal_regret(outcome: LevelOutcome) -> Array:
    """Return V* - V(eta), where V* is the optimal return by dynamic programming (Jackson et al. 2023), f32 [N]."""
    return outcome.optimal_return - outcome.student_return


def positive_value_loss(outcome: LevelOutcome) -> Array:
    """Return mean_t max(A_t, 0), where A_t is the critic's generalised advantage (Jiang et al. 2021b), f32 [N]."""
    return outcome.positive_value_loss


def l1_value_loss(outcome: LevelOutcome) -> Array:
    """Return mean_t abs(A_t), where A_t is the critic's generalised advantage (Jiang et al. 2021a), f32 [N]."""
    return outcome.l1_value_loss


def negative_advantage(outcome: LevelOutcome) -> Array:
    """Return mean_t max(-A_t, 0) on solved levels and 0 on others, f32 [N], after MNA (Mead et al. 2026).

    A_t is the critic's generalised advantage. A level counts as solved once an episode on it, in any lifetime, had a
    return above zero: the critic then knows what could be had, and a negative advantage is what the student's action
    gave away. The paper clips every k-step advantage at zero before it averages them over k; this score clips their
    average.
    """
    loss = outcome.l1_value_loss - outcome.positive_value_loss
    return jnp.where(outcome.best_return > 0, loss, 0.0)


def max_monte_carlo(outcome: LevelOutcome) -> Array:
    """Return mean_t (R_max - V(s_t)) (Jiang et al. 2021b), f32 [N].

    R_max is the best return of any student's episode on the level, in any lifetime. R_max is undiscounted and V is
    discounted, following the literature. The score is -inf before the first completed episode, and the buffer then
    drops the level.
    """
    return outcome.best_return - outcome.value


def learnability(outcome: LevelOutcome) -> Array:
    """Return Var(G) / max abs(G)^2 over the student's last episodes, f32 [N].

    The score generalises p (1 - p), the variance of success (Rutherford et al. 2024), to returns G of any range. Both
    are equal where G is 0 or 1. The score does not depend on the unit of reward, and is 0 where all episodes have the
    same return.
    """
    return outcome.student_variance / jnp.maximum(outcome.student_largest, 1e-6) ** 2


def uniform(outcome: LevelOutcome) -> Array:
    """Return 0 for every level, f32 [N]: replay without a preference."""
    return jnp.zeros(outcome.finished.shape)


def _score(fn: Callable[[LevelOutcome], Array], about: str, *needs: str) -> Score:
    return Score(fn, frozenset(needs), about)


SCORES: Mapping[str, Score] = {
    "ar": _score(algorithmic_regret, "antagonist's return - student's return", "student_return", "antagonist_return"),
    "relative": _score(relative_regret, "ar as a share of the larger return", "student_return", "antagonist_return"),
    "flexible": _score(
        flexible_regret,
        "best episode of antagonist or student - mean of the other",
        "student_return",
        "student_best",
        "antagonist_return",
        "antagonist_best",
    ),
    "optimal": _score(optimal_regret, "optimal return - student's return", "student_return", "optimal_return"),
    "pvl": _score(positive_value_loss, "mean of the positive advantages", "positive_value_loss"),
    "l1": _score(l1_value_loss, "mean absolute advantage", "l1_value_loss"),
    "mna": _score(
        negative_advantage,
        "mean of the negative advantages' sizes on solved levels",
        "l1_value_loss",
        "positive_value_loss",
        "best_return",
    ),
    "maxmc": _score(max_monte_carlo, "best return on the level - mean value", "best_return", "value"),
    "learnability": _score(
        learnability, "variance of the return / its largest square", "student_variance", "student_largest"
    ),
    "uniform": _score(uniform, "the same for every level"),
}
