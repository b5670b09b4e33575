"""A learned distribution over the factors of a design, moved by policy gradient (PAIRED, Dennis et al. 2020).

Every factor of a level (its size, its time limit, ...) has K bins of equal probability under the random distribution.
The generator learns a distribution over the bins of each factor. It draws a bin for every random number that a factor
governs, such as that of each object, independently. The random number then lies in this bin. A generator that has not
learned anything draws random levels.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from groove.curriculum.generators.generator import Generator, GeneratorConfig, ScoreScale, clipped_gain
from groove.envs.base import Design
from groove.types import Array, Key, Metrics, PyTree


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GeneratorState:
    """A generator of F factors."""

    logits: Array  # f32 [F, K]
    adam: Any
    mean: Array  # f32 []: running mean of scores
    square: Array  # f32 []: running mean of squares of scores
    updates: Array  # int32 []


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Choices:
    """The choices of the generator for n levels."""

    bins: Array  # int32 [n, P], of the P random numbers that factors govern; -1 for a level that it did not design
    log_prob: Array  # f32 [n, P]: logarithm of the probability of each bin when it was drawn

    @staticmethod
    def none(n: int, design: Design) -> "Choices":
        """Return the choices of n levels that the generator did not design."""
        shape = (n, len(owners(design)))
        return Choices(jnp.full(shape, -1, jnp.int32), jnp.zeros(shape))

    @property
    def designed(self) -> Array:
        """Whether the generator designed the levels, bool [n]."""
        return (self.bins >= 0).all(-1)


def make_factored(design: Design, config: GeneratorConfig) -> Generator:
    """Build the generator of a design.

    Args:
      design: of the family.
      config: the settings.
    """
    return Generator(
        init=lambda: init(design, config),
        draw=partial(draw, design),
        none=lambda n: Choices.none(n, design),
        learn=lambda state, choices, levels, score, mask: learn(design, config, state, choices, score, mask),
        metrics=partial(metrics, design),
    )


def owners(design: Design) -> npt.NDArray[np.int64]:
    """Return the factor of each governed random number, i64 [P], factor by factor."""
    return np.repeat(np.arange(len(design.factors)), [len(factor.places) for factor in design.factors])


def init(design: Design, config: GeneratorConfig) -> GeneratorState:
    """Return a generator that draws random levels."""
    logits = jnp.zeros((len(design.factors), config.bins))
    return GeneratorState(logits, _optimizer(config).init(logits), jnp.zeros(()), jnp.zeros(()), jnp.int32(0))


def draw(design: Design, state: GeneratorState, key: Key, n: int) -> tuple[PyTree, Choices]:
    """Design n levels, leaves [n, ...]."""
    bin_key, level_key = jax.random.split(key)
    logits = state.logits[owners(design)]  # [P, K]
    bins = jax.random.categorical(bin_key, logits, shape=(n, len(logits))).astype(jnp.int32)
    levels = jax.vmap(lambda k, b: make_level(design, k, b, state.logits.shape[1]))(
        jax.random.split(level_key, n), bins
    )
    return levels, Choices(bins, log_prob(design, state.logits, bins))


def make_level(design: Design, key: Key, bins: Array, count: int) -> PyTree:
    """Make a level whose factors lie in these bins.

    Args:
      design: of the family.
      key: the randomness of everything that the bins leave open.
      bins: int32 [P].
      count: K.
    """
    u = jax.random.uniform(key, (design.draws,))
    places = np.concatenate([factor.places for factor in design.factors])
    return design.make(u.at[places].set((bins + u[places]) / count))


def log_prob(design: Design, logits: Array, bins: Array) -> Array:
    """Return the logarithm of the probability of each bin, int32 [..., P], under logits f32 [F, K]; f32 [..., P]."""
    table = jax.nn.log_softmax(logits)
    return table[owners(design), jnp.maximum(bins, 0)]


def entropy(logits: Array) -> Array:
    """Return the mean entropy of the factors as a share of the largest, log K; f32 []."""
    table = jax.nn.log_softmax(logits)
    return -(jnp.exp(table) * table).sum(-1).mean() / math.log(logits.shape[1])


def objective(
    logits: Array, design: Design, choices: Choices, advantage: Array, weight: Array, config: GeneratorConfig
) -> Array:
    """Return the objective of the generator, which it ascends.

    With q_np, the probability of a level's bin p now divided by its probability when the level was designed::

        sum_n w_n sum_p min(q_np A_n, clip(q_np, 1 - c, 1 + c) A_n) / sum_n w_n + beta H / log K

    Every bin has a ratio of its own. The ratio of all bins together drifts with every number that the score does not
    depend on, and would clip away the feedback of levels whose lifetimes are long.

    Args:
      logits: f32 [F, K].
      design: of the family.
      choices: [n].
      advantage: A, f32 [n].
      weight: w, f32 [n].
      config: c and beta.
    """
    log_ratio = log_prob(design, logits, choices.bins) - choices.log_prob
    gain = clipped_gain(log_ratio, advantage[:, None], config.clip).sum(-1)
    return (weight * gain).sum() / jnp.maximum(weight.sum(), 1) + config.entropy * entropy(logits)


def learn(
    design: Design, config: GeneratorConfig, state: GeneratorState, choices: Choices, score: Array, mask: Array
) -> GeneratorState:
    """Move the generator towards levels of high scores.

    Args:
      design: of the family.
      config: the settings.
      state: the generator.
      choices: [n].
      score: f32 [n].
      mask: bool [n]: the levels to learn from; those whose score is not finite, or that the generator did not design,
        are left out.
    """
    counted = mask & choices.designed & jnp.isfinite(score)
    scale = ScoreScale(state.mean, state.square, state.updates)
    scale, advantage = scale.standardise(score, counted, config.memory)
    gradient = jax.grad(objective)(state.logits, design, choices, advantage, counted.astype(jnp.float32), config)
    steps, adam = _optimizer(config).update(-gradient, state.adam, state.logits)
    logits = _within_odds(optax.apply_updates(state.logits, steps), config.max_odds)
    moved = GeneratorState(logits, adam, scale.mean, scale.square, scale.updates)
    return jax.tree.map(lambda new, old: jnp.where(counted.any(), new, old), moved, state)


def metrics(design: Design, state: GeneratorState) -> Metrics:
    """Return the generator's entropy as a share of the largest, and the mean bin of each factor, in [0, 1]."""
    centres = (jnp.arange(state.logits.shape[1]) + 0.5) / state.logits.shape[1]
    means = jax.nn.softmax(state.logits) @ centres
    return {"generator_entropy": entropy(state.logits)} | {
        f"generator/{factor.name}": means[i] for i, factor in enumerate(design.factors)
    }


def _within_odds(logits: Array, max_odds: float) -> Array:
    """Move logits f32 [F, K] into the range in which no bin is more than `max_odds` times as likely as another."""
    middle = (logits.max(-1, keepdims=True) + logits.min(-1, keepdims=True)) / 2
    bound = math.log(max_odds) / 2
    return jnp.clip(logits - middle, -bound, bound)


def _optimizer(config: GeneratorConfig) -> optax.GradientTransformation:
    return optax.adam(config.learning_rate)
