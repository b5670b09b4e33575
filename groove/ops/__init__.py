"""Pure functions of arrays: advantages, categorical distributions, and statistics under a mask."""

from groove.ops.advantages import generalised_advantage, normalise
from groove.ops.categorical import entropy, kl_divergence, log_prob, sample_categorical
from groove.ops.masked import masked_mean, masked_std

__all__ = [
    "entropy",
    "generalised_advantage",
    "kl_divergence",
    "log_prob",
    "masked_mean",
    "masked_std",
    "normalise",
    "sample_categorical",
]
