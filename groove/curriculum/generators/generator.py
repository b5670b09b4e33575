"""Generators of levels: their settings, their interface, and the policy gradient that they share."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from groove.types import Array, Key, Metrics, PyTree
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class GeneratorConfig:
    """The settings of curricula that design levels.

    Attributes:
      generator: "factored" draws the factors of a level independently (`groove.curriculum.generators.factored`);
        "autoregressive" places start, objects and walls one after another, for gridworlds
        (`groove.curriculum.generators.autoregressive`).
      bins: K, bins of each factor; read by "factored".
      learning_rate: of Adam, which moves the logits of "factored".
      noise: numbers of the noise vector from which "autoregressive" builds a level.
      hidden: units of the network of "autoregressive".
      network_learning_rate: of Adam, which moves the network of "autoregressive".
      entropy: weight of the generator's entropy (Mediratta et al. 2023), which keeps levels diverse. Scores count in
        units of their standard deviation, and the entropy as a share of the largest.
      max_odds: largest ratio of the probabilities of two bins of a factor, or of two cells of a placement, so that no
        choice is ever lost and the entropy has a floor.
      clip: a level is judged at the end of a lifetime, when each of its choices may be likelier or less likely than
        when the level was designed; a choice whose ratio of probabilities has moved beyond 1 - clip or 1 + clip, in the
        direction of its score, is not moved further (PPO).
      memory: decay of the running mean and standard deviation of scores, per update of the generator.
      edit_probability: probability that a new level is an edited copy of a kept level instead (evolution).
      random_share: probability that a new level is a random level instead, whose score the log compares with those of
        generated levels.
      cloning: "student" also moves the learned rule so that its agents act like the antagonist (UniBC, Mediratta et al.
        2023); "both" also moves the antagonist towards the student (BiBC). See `groove.meta.cloning`.
      cloning_weight: weight of the Kullback-Leibler divergence between the two policies.
      cloning_period: every so many meta-steps, policies are cloned.
    """

    generator: Literal["factored", "autoregressive"] = "factored"
    bins: int = at_least(2, 8, most=64)
    learning_rate: float = above(0, 0.05)
    noise: int = at_least(1, 16, most=1024)
    hidden: int = at_least(1, 64, most=4096)
    network_learning_rate: float = above(0, 1e-3)
    entropy: float = at_least(0, 0.1)
    max_odds: float = above(1, 50.0)
    clip: float = above(0, 0.2, most=1)
    memory: float = at_least(0, 0.9, most=0.999)
    edit_probability: float = at_least(0, 0.0, most=1)
    random_share: float = at_least(0, 0.0, most=0.9)
    cloning: Literal["none", "student", "both"] = "none"
    cloning_weight: float = above(0, 0.1)
    cloning_period: int = at_least(1, 1)


class Generator(NamedTuple):
    """A learned distribution over levels. The choices of n levels are a pytree with leading axis n.

    Attributes:
      init: () -> state of a generator that has not learned anything.
      draw: (state, key, n) -> (levels [n], choices [n]).
      none: n -> choices of n levels that the generator did not design.
      learn: (state, choices [n], levels [n], score f32 [n], mask bool [n]) -> state. Levels outside the mask, with a
        score that is not finite, or that the generator did not design, are not learned from.
      metrics: state -> scalars for the log, among them "generator_entropy".
    """

    init: Callable[[], Any]
    draw: Callable[[Any, Key, int], tuple[PyTree, Any]]
    none: Callable[[int], Any]
    learn: Callable[[Any, Any, PyTree, Array, Array], Any]
    metrics: Callable[[Any], Metrics]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ScoreScale:
    """Running statistics of scores, the baseline of the policy gradient."""

    mean: Array  # f32 []
    square: Array  # f32 []: mean of squares
    updates: Array  # int32 []

    @staticmethod
    def blank() -> "ScoreScale":
        """Return the statistics of no scores."""
        return ScoreScale(jnp.zeros(()), jnp.zeros(()), jnp.int32(0))

    def standardise(self, score: Array, counted: Array, memory: float) -> tuple["ScoreScale", Array]:
        """Return the statistics with these scores, and advantages (score - mean) / deviation, f32 [n].

        Args:
          score: f32 [n].
          counted: bool [n], the scores that count; all others have advantage 0.
          memory: decay of the statistics.
        """
        known, total = jnp.where(counted, score, 0.0), jnp.maximum(counted.astype(jnp.float32).sum(), 1)
        decay = jnp.minimum(memory, self.updates / (self.updates + 1.0))  # a plain mean at first
        mean = decay * self.mean + (1 - decay) * known.sum() / total
        square = decay * self.square + (1 - decay) * (known**2).sum() / total
        deviation = jnp.sqrt(jnp.maximum(square - mean**2, 1e-12))
        return ScoreScale(mean, square, self.updates + 1), jnp.where(counted, (known - mean) / deviation, 0.0)


def clipped_gain(log_ratio: Array, advantage: Array, clip: float) -> Array:
    """Return min(q A, clip(q, 1 - c, 1 + c) A), f32 [...] (Schulman et al. 2017, eq. 7).

    Its gradient at q = 1 is that of REINFORCE with a baseline.

    Args:
      log_ratio: log q, of the probability of a choice now and of that when it was made.
      advantage: A, of the same shape, or one that broadcasts.
      clip: c.
    """
    ratio = jnp.exp(log_ratio)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def entropy_floor(max_odds: float, choices: int) -> float:
    """Return the smallest entropy of a distribution as a share of the largest, log n.

    No choice is more than `max_odds` times as likely as another; in the extreme, some have the largest probability and
    all others the smallest.

    Args:
      max_odds: above 1.
      choices: n, at least 2.
    """
    odds = np.where(np.arange(choices) < np.arange(1, choices)[:, None], max_odds, 1.0)  # row k: k + 1 likely choices
    p = odds / odds.sum(1, keepdims=True)
    return float((-p * np.log(p)).sum(1).min() / math.log(choices))
