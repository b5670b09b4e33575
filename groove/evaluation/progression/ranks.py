"""How stable a ranking is: the probability of each rank under the bootstrap."""

import numpy as np

from groove.utils.bootstrap import Floats


def rank_probabilities(values: Floats) -> Floats:
    """Return the share of resamples in which each rule has each rank; rules that tie share their ranks equally.

    Args:
      values: f[rules, resamples], higher is better.

    Returns:
      f[rules, ranks], first rank first. Rows and columns sum to 1.
    """
    rules = len(values)
    above = (values[:, None] < values[None]).sum(axis=1)  # rules that are better, [rules, resamples]
    ties = (values[:, None] == values[None]).sum(axis=1)  # the rule itself included
    ranks = np.arange(rules)
    held = (ranks >= above[..., None]) & (ranks < (above + ties)[..., None])
    return (held / ties[..., None]).mean(axis=1)
