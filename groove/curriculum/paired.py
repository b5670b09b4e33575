"""PAIRED (Dennis et al. 2020): new levels are designed by a generator that is rewarded with their scores.

With the score `ar`, the generator is an adversary of the learned rule: it designs levels on which the antagonist does
better than the rule.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from groove.curriculum import generator
from groove.curriculum.accel import Mutate, edits
from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer
from groove.curriculum.generator import Choices, GeneratorConfig, GeneratorState
from groove.curriculum.plr import PLRState, around_buffer, hand_out, record_outcomes
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.replay import is_ready
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import select
from groove.utils.errors import GrooveError


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class PairedState:
    """The level buffer, the generator, and what the generator chose for each level of the buffer."""

    plr: PLRState
    generator: GeneratorState
    choices: Choices  # [B]


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
      GrooveError: if the levels of `env` cannot be designed or, with `edit_probability`, edited.
    """
    design = env.design
    if design is None:
        raise GrooveError(
            f'paired designs levels, but the levels of "{env.name}" cannot be designed: choose random gridworlds or '
            "arcade worlds, as in paired@dr, paired@networks or paired@worlds."
        )
    if config.edit_probability and env.mutate is None:
        raise GrooveError(f'the levels of "{env.name}" cannot be edited: set paired.edit_probability to 0.')
    if not replay:
        plr = dataclasses.replace(plr, replay_probability=0.0)
    editing = dataclasses.replace(plr, edit_probability=config.edit_probability)
    mutate = env.mutate if config.edit_probability else None

    def begin(kept: PLRState) -> PairedState:
        return PairedState(kept, generator.init(design, config), Choices.none(plr.buffer_size, len(design.factors)))

    def sample(state: PairedState, key: Key, wanted: Array) -> tuple[PairedState, PyTree, Array]:
        coin, replay_key, level_key, edit_key = jax.random.split(key, 4)
        new = generator.draw(design, state.generator, level_key, wanted.shape[0])
        if mutate is not None:
            new = _edit_some(mutate, editing, edit_key, state.plr.buffer, *new)
        kept, levels, ids = hand_out(plr, state.plr, coin, replay_key, wanted, new[0])
        rows = jnp.where(wanted & _is_new(kept, ids), ids, plr.buffer_size)
        choices = jax.tree.map(lambda all_, own: all_.at[rows].set(own, mode="drop"), state.choices, new[1])
        return PairedState(kept, state.generator, choices), levels, ids

    def update(state: PairedState, ids: Array, outcome: LevelOutcome) -> PairedState:
        own = jax.tree.map(lambda x: x[ids], state.choices)
        first_lives = outcome.finished & _is_new(state.plr, ids)
        scores = SCORES[score].fn(outcome)
        learned = generator.learn(config, state.generator, own, scores, first_lives)
        return PairedState(record_outcomes(state.plr, ids, scores, outcome), learned, state.choices)

    def metrics(state: PairedState) -> Metrics:
        return generator.metrics(design, state.generator)

    return around_buffer(env, plr, score, num_slots, begin, lambda state: state.plr, sample, update, metrics)


def _is_new(state: PLRState, ids: Array) -> Array:
    """Return whether the levels with these ids are in the buffer and have no score yet, bool [n]."""
    return (ids >= 0) & (state.buffer.score[ids] == -jnp.inf)


def _edit_some(
    mutate: Mutate, config: PLRConfig, key: Key, buffer: LevelBuffer, levels: PyTree, choices: Choices
) -> tuple[PyTree, Choices]:
    """Replace some designed levels [n] by edited copies of kept ones, once enough levels are scored."""
    n, factors = choices.bins.shape
    chosen, edited = edits(mutate, buffer, config, key, n)
    take = partial(select, chosen & is_ready(buffer, config))
    return jax.tree.map(take, edited, levels), jax.tree.map(take, Choices.none(n, factors), choices)
