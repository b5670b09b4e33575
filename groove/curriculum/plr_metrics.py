"""The metrics of a level buffer for the log."""

import jax.numpy as jnp

from groove.curriculum.buffer import LevelBuffer, Status
from groove.types import Array, Metrics


def plr_metrics(buffer: LevelBuffer, inserted: Array, forgotten: Array) -> Metrics:
    """Summarise the buffer and the levels in training, f32 scalars; NaN for a mean or maximum over no levels.

    Args:
      buffer: B levels.
      inserted: int32 []: levels inserted so far.
      forgotten: int32 []: levels dropped so far because their score was not finite.

    Returns:
      A dictionary with these entries::

        scored_fraction: SCORED levels / B.
        replay_share: share of the ACTIVE levels that have an earlier score.
        score_mean, score_max, score_p10, score_median, score_p90: over all scores, also those that levels in training
            have from before.
        staleness_mean: mean over SCORED levels of the number of levels handed out since their own hand-out.
        turnover: inserted / B.
        forgotten: as the argument.
    """
    scored = buffer.scored
    rated = buffer.score > -jnp.inf
    return {
        "scored_fraction": jnp.mean(scored, dtype=jnp.float32),
        "replay_share": _mean(rated, buffer.status == Status.ACTIVE),
        "score_mean": _mean(buffer.score, rated),
        "score_max": jnp.where(jnp.any(rated), jnp.max(buffer.score), jnp.nan),
        **_quantiles(buffer.score, rated, score_p10=0.1, score_median=0.5, score_p90=0.9),
        "staleness_mean": _mean(buffer.clock - buffer.stamp, scored),
        "turnover": inserted / jnp.float32(buffer.capacity),
        "forgotten": forgotten.astype(jnp.float32),
    }


def _quantiles(score: Array, rated: Array, **shares: float) -> dict[str, Array]:
    """Return, for each share, the score below which this share of the rated levels lies."""
    ordered = jnp.sort(jnp.where(rated, score, jnp.inf))
    count = jnp.sum(rated)
    place = {name: (share * (count - 1)).astype(jnp.int32) for name, share in shares.items()}
    return {name: jnp.where(count > 0, ordered[i], jnp.nan) for name, i in place.items()}


def _mean(x: Array, mask: Array) -> Array:
    """Return the mean of x over the rows of the mask."""
    return jnp.sum(jnp.where(mask, x, 0), dtype=jnp.float32) / jnp.sum(mask, dtype=jnp.float32)
