"""A running scale of rewards, so that an update does not depend on the unit of reward.

The scale belongs to one agent's lifetime and is kept in `Learner.rule_state`.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from groove.types import Array, Learner, Rollout


class RewardScale(NamedTuple):
    """The largest absolute discounted return within a rollout so far, f32 []; 0 before the first reward."""

    peak: Array | float = 0.0


def scale_rewards(learner: Learner, rollout: Rollout, discount: float) -> tuple[Learner, Rollout]:
    """Update the running scale of one agent, and divide the rewards of its rollout by it.

    Args:
      learner: whose `rule_state` is a RewardScale, or another named tuple with the field `peak`.
      rollout: [T, W].
      discount: gamma.
    """
    scale = grown(learner.rule_state, rollout, discount)
    return dataclasses.replace(learner, rule_state=scale), divided(rollout, scale)


def grown(scale: Any, rollout: Rollout, discount: float) -> Any:
    """Return the scale after a rollout.

    ::

        G_t = r_t + gamma (1 - done_t) G_{t+1},   G_T = 0
        peak <- max(peak, max_t |G_t|)

    A discounted return within a rollout therefore lies between -1 and 1. Rewards stay as they are until the first one
    that is not zero. A return beyond the range of float32 makes the scale NaN; divided by infinity, rewards would
    vanish.

    Args:
      scale: before the rollout; a RewardScale, or another named tuple with the field `peak`.
      rollout: [T, W].
      discount: gamma.
    """
    keep = discount * (1.0 - (rollout.terminated | rollout.truncated))

    def backward(later: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        reward, keep_t = step
        value = reward + keep_t * later
        return value, jnp.abs(value).max()

    _, sizes = jax.lax.scan(backward, jnp.zeros_like(rollout.reward[0]), (rollout.reward, keep), reverse=True)
    peak = jnp.maximum(scale.peak, sizes.max())
    return scale._replace(peak=jnp.where(jnp.isfinite(peak), peak, jnp.nan))


def divided(rollout: Rollout, scale: Any) -> Rollout:
    """Return the rollout with its rewards divided by the scale; unchanged before the first reward."""
    peak = jnp.asarray(scale.peak)
    return dataclasses.replace(rollout, reward=rollout.reward / jnp.where(peak == 0, 1.0, peak))  # NaN stays NaN
