"""Pure functions of arrays: advantages and categorical distributions."""

from groove.ops.advantages import generalised_advantage, normalise
from groove.ops.categorical import entropy, kl_divergence, log_prob, sample_categorical

__all__ = ["entropy", "generalised_advantage", "kl_divergence", "log_prob", "normalise", "sample_categorical"]
