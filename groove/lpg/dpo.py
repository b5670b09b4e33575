"""Discovered policy optimisation: PPO with a drift in the place of its clip, which meta-learning suggested."""

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from groove.lpg.base import UpdateRule
from groove.lpg.ppo import make_epochs
from groove.types import Array
from groove.utils.typed_fields import above, at_least


@dataclass(frozen=True)
class DPOConfig:
    """Settings of discovered policy optimisation; those it shares with PPO are explained there.

    Attributes:
      trace: see PPOConfig.
      entropy_coefficient: see PPOConfig.
      normalise_advantages: see PPOConfig.
      alpha: size of (r - 1) A from which the drift holds good actions back.
      beta: size of A log r from which the drift holds bad actions back.
      epochs: see PPOConfig.
      minibatches: see PPOConfig.
      table_learning_rate: see PPOConfig.
      scale_rewards: see A2CConfig.
    """

    trace: float = at_least(0, 0.95, most=1)
    entropy_coefficient: float = 0.01
    normalise_advantages: bool = True
    alpha: float = above(0, 2.0)
    beta: float = above(0, 0.6)
    epochs: int = at_least(1, 4)
    minibatches: int = at_least(1, 4)
    table_learning_rate: float = field(default=3.0, repr=False)
    scale_rewards: bool = True


def make_dpo(config: DPOConfig, discount: float) -> UpdateRule:
    """Build the rule: the steps of PPO on r A minus a drift (Lu et al. 2022, "Discovered Policy Optimisation").

    Metrics are "value_error", as under PPO, and "drift_fraction", the share of transitions in all steps whose drift is
    above zero.

    Args:
      config: of the rule.
      discount: gamma.

    Raises:
      ConfigError: see `make_ppo`.
    """

    def surrogate(log_ratio: Array, advantage: Array) -> tuple[Array, Array]:
        held_back = drift(log_ratio, advantage, config.alpha, config.beta)
        return jnp.exp(log_ratio) * advantage - held_back, held_back > 0

    return make_epochs("dpo", config, discount, surrogate, "drift_fraction")


def drift(log_ratio: Array, advantage: Array, alpha: float, beta: float) -> Array:
    """Return the drift of DPO (Lu et al. 2022).

    With the ratio r = pi(a|s) / pi_old(a|s), the drift is::

        relu((r - 1) A - alpha tanh((r - 1) A / alpha))     if A >= 0
        relu(A log r - beta tanh(A log r / beta))           if A < 0

    The drift and its first derivative are zero at r = 1. Steps that make a good action rarer or a bad one more frequent
    have no drift.

    Args:
      log_ratio: f32[M], log r.
      advantage: f32[M], A.
      alpha: scale of the drift of good actions.
      beta: scale of the drift of bad actions.

    Returns:
      f32[M].
    """
    good = (jnp.exp(log_ratio) - 1) * advantage
    bad = log_ratio * advantage
    return jnp.where(
        advantage >= 0,
        jax.nn.relu(good - alpha * jnp.tanh(good / alpha)),
        jax.nn.relu(bad - beta * jnp.tanh(bad / beta)),
    )
