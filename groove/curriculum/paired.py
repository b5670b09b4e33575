"""PAIRED (Dennis et al. 2020): new levels are designed by a generator that is rewarded with their scores.

With the score `ar`, the generator is an adversary of the learned rule: it designs levels on which the antagonist does
better than the rule.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from groove.curriculum.accel import Mutate, edits
from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer, is_unscored, levels_at
from groove.curriculum.generators.autoregressive import make_autoregressive
from groove.curriculum.generators.factored import make_factored
from groove.curriculum.generators.generator import Generator, GeneratorConfig
from groove.curriculum.plr import PLRState, around_buffer, hand_out, record_outcomes
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.replay import is_ready
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import select
from groove.utils.errors import GrooveError

_MEMORY = 0.98  # decay of the scores that are compared, per meta-step in which a first lifetime ends


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairedState:
    """The level buffer, the generator, and what the generator chose for each level of the buffer."""

    plr: PLRState
    generator: Any
    choices: Any  # [B]
    comparison: Any = ()  # Comparison, if random levels are compared with generated ones


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Comparison:
    """Scores of the first lifetimes on generated levels and on random ones."""

    is_random: Array  # bool [B]: whether the level of a place is a random one
    total: Array  # f32 [2]: decayed sum of the scores on generated levels and on random ones
    count: Array  # f32 [2]: decayed number of these scores


def make_paired(
    env: EnvFamily, plr: PLRConfig, config: GeneratorConfig, score: str, num_slots: int, *, replay: bool
) -> Curriculum:
    """Build a curriculum whose new levels are designed by a generator.

    The generator learns from the first lifetime on each level that it designed.

    Args:
      env: the family whose levels are designed.
      plr: the settings of the buffer and, with `replay`, of the replay.
      config: the settings of the generator.
      score: the name of the score that rewards the generator, a key of `SCORES`.
      num_slots: N, slots.
      replay: whether slots may receive kept levels of high score, too (REPAIRED, Jiang et al. 2021b).

    Raises:
      GrooveError: if the levels of `env` cannot be designed by this generator or, with `edit_probability`, edited.
    """
    generator = make_generator(env, config)
    if config.edit_probability and env.mutate is None:
        raise GrooveError(f'the levels of "{env.name}" cannot be edited: set paired.edit_probability to 0.')
    if not replay:
        plr = dataclasses.replace(plr, replay_probability=0.0)
    editing = dataclasses.replace(plr, edit_probability=config.edit_probability)
    mutate = env.mutate if config.edit_probability else None

    def begin(kept: PLRState) -> PairedState:
        return PairedState(
            kept,
            generator.init(),
            generator.none(plr.buffer_size),
            Comparison(jnp.zeros(plr.buffer_size, bool), jnp.zeros(2), jnp.zeros(2)) if config.random_share else (),
        )

    def sample(state: PairedState, key: Key, wanted: Array) -> tuple[PairedState, PyTree, Array]:
        coin, replay_key, level_key, edit_key, random_key = jax.random.split(key, 5)
        n = wanted.shape[0]
        new = generator.draw(state.generator, level_key, n)
        if mutate is not None:
            new = _edit_some(mutate, editing, edit_key, state.plr.buffer, generator.none(n), *new)
        is_random = jnp.zeros(n, bool)
        if config.random_share:
            is_random, new = _random_some(env, config.random_share, random_key, generator.none(n), *new)
        kept, levels, ids = hand_out(plr, state.plr, coin, replay_key, wanted, new[0])
        rows = jnp.where(wanted & is_unscored(kept.buffer, ids), ids, plr.buffer_size)
        choices = jax.tree.map(lambda all_, own: all_.at[rows].set(own, mode="drop"), state.choices, new[1])
        comparison = state.comparison
        if config.random_share:
            marked = comparison.is_random.at[rows].set(is_random, mode="drop")
            comparison = dataclasses.replace(comparison, is_random=marked)
        return PairedState(kept, state.generator, choices, comparison), levels, ids

    def update(state: PairedState, ids: Array, outcome: LevelOutcome) -> PairedState:
        own, levels = jax.tree.map(lambda x: x[ids], state.choices), levels_at(state.plr.buffer, ids)
        first_lives = outcome.finished & is_unscored(state.plr.buffer, ids)
        scores = SCORES[score].fn(outcome)
        learned = generator.learn(state.generator, own, levels, scores, first_lives)
        comparison = state.comparison
        if config.random_share:
            comparison = _compare(comparison, ids, scores, first_lives, own.designed)
        return PairedState(record_outcomes(state.plr, ids, scores, outcome), learned, state.choices, comparison)

    def metrics(state: PairedState) -> Metrics:
        own = dict(generator.metrics(state.generator))
        if config.random_share:
            means = state.comparison.total / state.comparison.count  # NaN before the first lifetime
            own |= {"generated_score_mean": means[0], "random_score_mean": means[1]}
        return own

    def generate(state: PairedState, key: Key, count: int) -> PyTree:
        return generator.draw(state.generator, key, count)[0]

    made = around_buffer(env, plr, score, num_slots, begin, lambda state: state.plr, sample, update, metrics)
    return made._replace(generate=generate)


def make_generator(env: EnvFamily, config: GeneratorConfig) -> Generator:
    """Build the generator that the settings name.

    Raises:
      GrooveError: if it cannot design the levels of `env`.
    """
    if env.design is None:
        raise GrooveError(
            f'paired designs levels, but the levels of "{env.name}" cannot be designed: choose random gridworlds or '
            "arcade worlds, as in paired@dr, paired@networks or paired@worlds."
        )
    if config.generator == "factored":
        return make_factored(env.design, config)
    if env.editor is None:
        raise GrooveError(
            f'paired.generator=autoregressive places objects and walls on a grid, but "{env.name}" has no gridworlds: '
            "choose paired@dr, paired@networks or paired@varied, or paired.generator=factored."
        )
    return make_autoregressive(env.editor, config)


def _edit_some(
    mutate: Mutate, config: PLRConfig, key: Key, buffer: LevelBuffer, none: Any, levels: PyTree, choices: Any
) -> tuple[PyTree, Any]:
    """Replace some designed levels [n] by edited copies of kept ones, once enough levels are scored."""
    chosen, edited = edits(mutate, buffer, config, key, jax.tree.leaves(none)[0].shape[0])
    take = partial(select, chosen & is_ready(buffer, config))
    return jax.tree.map(take, edited, levels), jax.tree.map(take, none, choices)


def _random_some(
    env: EnvFamily, share: float, key: Key, none: Any, levels: PyTree, choices: Any
) -> tuple[Array, tuple[PyTree, Any]]:
    """Replace some levels [n] by random ones; return a mask of these, bool [n], and the levels with their choices."""
    n = jax.tree.leaves(none)[0].shape[0]
    coin, level_key = jax.random.split(key)
    chosen = jax.random.bernoulli(coin, share, (n,))
    drawn = jax.vmap(env.sample_level)(jax.random.split(level_key, n))
    take = partial(select, chosen)
    return chosen, (jax.tree.map(take, drawn, levels), jax.tree.map(take, none, choices))


def _compare(comparison: Comparison, ids: Array, score: Array, first_lives: Array, designed: Array) -> Comparison:
    """Count the scores of first lifetimes, f32 [n], on designed levels and on random ones."""
    known = first_lives & jnp.isfinite(score)
    kinds = jnp.stack([known & designed, known & comparison.is_random[ids]])  # bool [2, n]
    decay = jnp.where(known.any(), _MEMORY, 1.0)
    total = decay * comparison.total + jnp.where(kinds, score, 0.0).sum(1)
    return dataclasses.replace(comparison, total=total, count=decay * comparison.count + kinds.sum(1))
