"""A replay distribution that is learned by gradient ascent (NCC, Monette et al. 2025)."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer
from groove.curriculum.plr import PLRState, around_buffer, hand_out, record_outcomes
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import standardised
from groove.utils.typed_fields import at_least


@dataclass(frozen=True)
class NCCConfig:
    """The settings of a learned replay distribution.

    Attributes:
      step_size: eta, of the ascent; 1 / (eta alpha) updates is the time over which scores are averaged.
      entropy: alpha, the weight of the distribution's entropy; small values concentrate it on the highest scores.
    """

    step_size: float = at_least(1e-6, 0.1, most=1)
    entropy: float = at_least(1e-6, 0.5, most=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NCCState:
    """The level buffer, and the logits of the replay distribution."""

    plr: PLRState
    logits: Array  # f32 [B]: 0 for levels without a score


def ascend(config: NCCConfig, logits: Array, score: Array, known: Array) -> Array:
    """Take one step of mirror ascent on the score that a replayed level is expected to have (Monette et al. 2025).

    With y the distribution over the levels that have a score s, and H its entropy, the step is on y^T s + alpha H(y)::

        log y <- (1 - eta alpha) log y + eta s      up to a constant, whose fixed point is y ~ exp(s / alpha)

    The paper takes projected gradient steps on the simplex; steps in log y do not have to shrink as levels get more.
    Scores are divided by their standard deviation and shifted to a mean of zero, so that their unit does not matter.

    Args:
      config: the settings.
      logits: f32 [B], log y up to a constant.
      score: f32 [B].
      known: bool [B], the levels that have a score.

    Returns:
      f32 [B], 0 where a level has no score.
    """
    moved = (1.0 - config.step_size * config.entropy) * logits + config.step_size * standardised(score, known)
    return jnp.where(known, moved, 0.0)


def make_ncc(env: EnvFamily, plr: PLRConfig, config: NCCConfig, score: str, num_slots: int) -> Curriculum:
    """Build level replay whose replay distribution is learned.

    New levels enter the buffer, and leave it, as under level replay. A level begins at the mean logit, zero.

    Args:
      env: the family whose `sample_level` draws new levels.
      plr: the settings of the buffer; its temperature, staleness and prioritization are not read.
      config: the settings of the distribution.
      score: the name of the score, a key of `SCORES`.
      num_slots: N, slots.

    Raises:
      ConfigError: if the buffer does not suit the number of slots.
    """

    def begin(kept: PLRState) -> NCCState:
        return NCCState(kept, jnp.zeros(plr.buffer_size))

    def sample(state: NCCState, key: Key, wanted: Array) -> tuple[NCCState, PyTree, Array]:
        coin, replay_key, level_key = jax.random.split(key, 3)
        new = jax.vmap(env.sample_level)(jax.random.split(level_key, wanted.shape[0]))
        kept, levels, ids = hand_out(plr, state.plr, coin, replay_key, wanted, new, state.logits)
        return NCCState(kept, jnp.where(_known(kept.buffer), state.logits, 0.0)), levels, ids

    def update(state: NCCState, ids: Array, outcome: LevelOutcome) -> NCCState:
        kept = record_outcomes(state.plr, ids, SCORES[score].fn(outcome), outcome)
        moved = ascend(config, state.logits, kept.buffer.score, _known(kept.buffer))
        return NCCState(kept, jnp.where(jnp.any(outcome.finished), moved, state.logits))

    def metrics(state: NCCState) -> Metrics:
        known = _known(state.plr.buffer)
        log_y = jax.nn.log_softmax(jnp.where(known, state.logits, -1e9))  # finite where unknown, with y = 0
        share = -jnp.sum(jnp.exp(log_y) * log_y, where=known) / jnp.log(jnp.maximum(jnp.sum(known), 2))
        return {"replay_entropy": share}

    return around_buffer(env, plr, score, num_slots, begin, lambda state: state.plr, sample, update, metrics)


def _known(buffer: LevelBuffer) -> Array:
    """Return which places hold a level that has a score, also while it is in training again, bool [B]."""
    return buffer.score > -jnp.inf
