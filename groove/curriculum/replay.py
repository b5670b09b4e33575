"""The replay distribution over buffered levels (Jiang et al. 2021a), and draws from it."""

import jax
import jax.numpy as jnp

from groove.curriculum.buffer import LevelBuffer, activate, best_places
from groove.curriculum.plr_config import PLRConfig
from groove.types import Array, Key


def is_ready(buffer: LevelBuffer, config: PLRConfig) -> Array:
    """Return whether enough levels are SCORED to replay any, bool []."""
    return jnp.sum(buffer.scored) >= config.min_scored


def score_ranks(buffer: LevelBuffer) -> Array:
    """Return one plus the number of SCORED levels with a higher score, int32 [B]; meaningful where SCORED.

    Equal scores share a rank, so the place of a level in the buffer does not matter.
    """
    descending = -_ordered_int(jnp.where(buffer.scored, buffer.score, -jnp.inf))
    return 1 + jnp.searchsorted(jnp.sort(descending), descending).astype(jnp.int32)


def replay_distribution(buffer: LevelBuffer, config: PLRConfig) -> Array:
    """Return the probability that each level is the next one replayed (Jiang et al. 2021a).

    With c the staleness coefficient and T the temperature, over the SCORED levels::

        P = (1 - c) P_score + c P_staleness
        P_score ~ rank^(-1/T)                    "rank"; the highest score has rank 1
        P_score ~ max(score, 0)^(1/T)            "proportional"; uniform if no score is positive
        P_staleness ~ clock - stamp              uniform if all levels have the same stamp as the clock

    "topk" puts all probability on the highest score.

    Args:
      buffer: B levels.
      config: the settings of the replay.

    Returns:
      f32 [B]: the sum is one, or zero if no level is SCORED.
    """
    scored = buffer.scored
    if config.prioritization == "topk":
        best = jnp.argmax(jnp.where(scored, buffer.score, -jnp.inf))
        return jnp.where(scored & (jnp.arange(buffer.capacity) == best), 1.0, 0.0)
    by_score = jax.nn.softmax(_score_logits(buffer, config))
    by_staleness = jax.nn.softmax(_staleness_logits(buffer))
    c = config.staleness_coefficient
    return jnp.where(scored, (1 - c) * by_score + c * by_staleness, 0.0)


def replay(
    buffer: LevelBuffer, config: PLRConfig, key: Key, mask: Array, logits: Array | None = None
) -> tuple[LevelBuffer, Array]:
    """Draw SCORED levels without replacement and hand them out.

    A single draw follows `replay_distribution`. For several draws, each draw is by staleness with probability c and by
    score otherwise, from that part of the distribution renormalised over the levels left. Draws without replacement
    from the mixture itself would behave differently: P_score is so peaked that after about twelve draws only
    P_staleness has weight left. With 256 draws from 3500 levels at T = c = 0.3, only 10% of draws from the mixture fall
    into the top 256 (chance: 7%); with this function, 66% do.

    Args:
      buffer: B levels.
      config: the settings of the replay.
      key: the randomness of the draws.
      mask: bool [n]: the rows that want a level.
      logits: f32 [B], a replay distribution in the place of that of the settings; None for none.

    Returns:
      The buffer with the drawn levels ACTIVE, and their places, int32 [n]: -1 for rows without a level.
    """
    if logits is not None:
        ids = best_places(_perturb(key, jnp.where(buffer.scored, logits, -jnp.inf)), mask)
        return activate(buffer, ids, mask), ids
    if config.prioritization == "topk":
        ids = best_places(_scores_of_scored(buffer), mask)
        return activate(buffer, ids, mask), ids
    coin, score_key, staleness_key = jax.random.split(key, 3)
    is_stale = mask & jax.random.bernoulli(coin, config.staleness_coefficient, mask.shape)
    by_score = best_places(_perturb(score_key, _score_logits(buffer, config)), mask & ~is_stale)
    age_logits = _staleness_logits(buffer)  # before `activate` moves the clock
    buffer = activate(buffer, by_score, mask)
    age_logits = jnp.where(buffer.scored, age_logits, -jnp.inf)
    by_staleness = best_places(_perturb(staleness_key, age_logits), is_stale)
    return activate(buffer, by_staleness, mask), jnp.where(is_stale, by_staleness, by_score)


def draw_parents(buffer: LevelBuffer, config: PLRConfig, key: Key, n: int) -> Array:
    """Draw the places of n SCORED levels as parents of edits, int32 [n]; the buffer stays as it is.

    Draws are with replacement from `replay_distribution`. "topk" takes the n highest scores, and the highest again
    where fewer than n levels are SCORED. The result is meaningless if no level is SCORED.
    """
    if config.prioritization == "topk":
        ranked = best_places(_scores_of_scored(buffer), jnp.ones(n, bool))
        return jnp.where(ranked < 0, ranked[0], ranked)
    return jax.random.categorical(key, jnp.log(replay_distribution(buffer, config)), shape=(n,))


def _scores_of_scored(buffer: LevelBuffer) -> Array:
    """Return the scores of SCORED levels and -inf elsewhere, f32 [B]."""
    return jnp.where(buffer.scored, buffer.score, -jnp.inf)


def _score_logits(buffer: LevelBuffer, config: PLRConfig) -> Array:
    """Return log P_score up to a constant, f32 [B]; -inf where not SCORED.

    The logarithm stays finite at low temperatures, where P_score itself would leave the range of float32.
    """
    if config.prioritization == "proportional":
        positive = jnp.where(buffer.scored, jnp.maximum(buffer.score, 0.0), 0.0)
        logits = jnp.where(jnp.any(positive > 0), jnp.log(positive), 0.0)
    else:
        logits = -jnp.log(score_ranks(buffer).astype(jnp.float32))
    return jnp.where(buffer.scored, logits / config.temperature, -jnp.inf)


def _staleness_logits(buffer: LevelBuffer) -> Array:
    """Return log P_staleness up to a constant, f32 [B]: 0 if all ages are zero; -inf where not SCORED."""
    age = jnp.where(buffer.scored, buffer.clock - buffer.stamp, 0).astype(jnp.float32)
    return jnp.where(buffer.scored, jnp.where(jnp.any(age > 0), jnp.log(age), 0.0), -jnp.inf)


def _perturb(key: Key, logits: Array) -> Array:
    """Add Gumbel noise: the n largest results are n draws without replacement from softmax(logits), in order."""
    return logits + jax.random.gumbel(key, logits.shape)


def _ordered_int(x: Array) -> Array:
    """Return integers in the order of the floats, because XLA sorts integers several times faster on CPU."""
    bits = jax.lax.bitcast_convert_type(jnp.where(x == 0, 0.0, x), jnp.int32)  # makes -0.0 equal to 0.0
    return jnp.where(bits < 0, bits ^ jnp.int32(0x7FFFFFFF), bits)
