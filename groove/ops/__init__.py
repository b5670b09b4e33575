"""Pure functions of arrays: advantages, categorical distributions, and statistics under a mask."""

from groove.ops.advantages import generalised_advantage, normalise
from groove.ops.categorical import entropy, kl_divergence, log_prob, normalised_entropy, sample_categorical
from groove.ops.masked import masked_mean, masked_std

__all__ = [
    "entropy",
    "generalised_advantage",
    "kl_divergence",
    "log_prob",
    "masked_mean",
    "masked_std",
    "normalise",
    "normalised_entropy",
    "sample_categorical",
]
