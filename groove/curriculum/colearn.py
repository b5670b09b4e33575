"""Level replay by score and co-learnability: how much training on a level helped on other levels (Cho et al. 2025)."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from groove.curriculum.base import Curriculum
from groove.curriculum.buffer import LevelBuffer, Status, is_unscored
from groove.curriculum.plr import PLRState, around_buffer, hand_out, record_outcomes
from groove.curriculum.plr_config import PLRConfig
from groove.curriculum.scores import SCORES
from groove.envs.base import EnvFamily
from groove.types import Array, Key, LevelOutcome, Metrics, PyTree
from groove.utils.arrays import standardised
from groove.utils.errors import ConfigError
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class ColearnConfig:
    """The settings of replay by co-learnability.

    Attributes:
      weight: eta, of the standardised co-learnability beside the standardised score; 0 ranks levels as plain level
        replay does.
      rate: share by which the estimate of a level's co-learnability moves with every observation.
    """

    weight: float = at_least(0, 0.5, most=100)
    rate: float = above(0, 0.1, most=1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ColearnState:
    """The level buffer, and the estimates of co-learnability."""

    plr: PLRState
    helped: Array  # f32 [B]: 0 for levels without an observation
    usual: Array  # f32 []: running mean of the falls of scores; NaN before the first


def observe_help(helped: Array, usual: Array, rate: float, training: Array, fall: Array) -> tuple[Array, Array]:
    """Move the estimates of the levels in training towards the mean surplus fall of scores that ended beside them.

    ::

        CL_i <- CL_i + rate (mean_j (s_j before - s_j after) - m - CL_i)        i in training, j just ended, j != i

    m is the running mean of all falls. A replayed level was chosen for a high score, which is partly luck, so that its
    next score falls even if no level helps any other; m removes this part. Cho et al. (2025) train on one batch of
    tasks after another and credit a batch with the fall of scores in the next one. Lifetimes here overlap, so that
    credit goes to the levels that were in training at the same time.

    Args:
      helped: CL, f32 [B].
      usual: m, f32 []; NaN before the first fall.
      rate: see `ColearnConfig`.
      training: bool [B], the levels that were in training, with those whose lifetime has just ended.
      fall: f32 [B], the falls of the scores that have just ended; NaN for all other levels.

    Returns:
      The new CL and m.
    """
    counts = jnp.isfinite(fall)
    falls, count = jnp.where(counts, fall, 0.0), counts.sum()
    others = count - counts
    mean_of_others = (falls.sum() - falls) / jnp.maximum(others, 1)
    mean = falls.sum() / jnp.maximum(count, 1)
    before = jnp.where(jnp.isnan(usual), mean, usual)
    moved = helped + rate * (mean_of_others - before - helped)
    helped = jnp.where(training & (others > 0), moved, helped)
    return helped, jnp.where(count > 0, before + rate * (mean - before), usual)


def priority(buffer: LevelBuffer, helped: Array, weight: float) -> Array:
    """Return the standardised score plus weight times the standardised co-learnability, f32 [B]."""
    return standardised(buffer.score, buffer.scored) + weight * standardised(helped, buffer.scored)


def make_colearn(env: EnvFamily, plr: PLRConfig, config: ColearnConfig, score: str, num_slots: int) -> Curriculum:
    """Build level replay whose priorities are the score plus co-learnability.

    Args:
      env: the family whose `sample_level` draws new levels.
      plr: the settings of the buffer and of the replay, which ranks levels by the priority.
      config: the settings of co-learnability.
      score: the name of the score, a key of `SCORES`; a score that falls as the student improves, such as ar.
      num_slots: N, slots.

    Raises:
      ConfigError: if the buffer does not suit the number of slots, or levels are not replayed by rank.
    """
    if plr.prioritization == "proportional":
        raise ConfigError(
            "colearn ranks levels by a priority that may be negative, which plr.prioritization=proportional counts as "
            "zero: choose rank or topk."
        )

    def begin(kept: PLRState) -> ColearnState:
        return ColearnState(kept, jnp.zeros(plr.buffer_size), jnp.float32(jnp.nan))

    def sample(state: ColearnState, key: Key, wanted: Array) -> tuple[ColearnState, PyTree, Array]:
        coin, replay_key, level_key = jax.random.split(key, 3)
        new = jax.vmap(env.sample_level)(jax.random.split(level_key, wanted.shape[0]))
        ranked = priority(state.plr.buffer, state.helped, config.weight)
        kept, levels, ids = hand_out(plr, state.plr, coin, replay_key, wanted, new, priority=ranked)
        rows = jnp.where(wanted & is_unscored(kept.buffer, ids), ids, plr.buffer_size)
        return ColearnState(kept, state.helped.at[rows].set(0.0, mode="drop"), state.usual), levels, ids

    def update(state: ColearnState, ids: Array, outcome: LevelOutcome) -> ColearnState:
        before, scores = state.plr.buffer, SCORES[score].fn(outcome)
        kept = record_outcomes(state.plr, ids, scores, outcome)
        again = outcome.finished & (ids >= 0) & (before.score[ids] > -jnp.inf)
        rows = jnp.where(again, ids, plr.buffer_size)
        fall = jnp.full(plr.buffer_size, jnp.nan).at[rows].set(before.score[ids] - scores, mode="drop")
        training = before.status == Status.ACTIVE
        return ColearnState(kept, *observe_help(state.helped, state.usual, config.rate, training, fall))

    def metrics(state: ColearnState) -> Metrics:
        scored = state.plr.buffer.scored
        return {"colearnability": jnp.sum(jnp.where(scored, state.helped, 0.0)) / scored.sum()}  # NaN without a level

    return around_buffer(env, plr, score, num_slots, begin, lambda state: state.plr, sample, update, metrics)
