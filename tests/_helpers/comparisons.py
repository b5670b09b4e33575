"""Comparisons with made-up scores, for the statistics of figures."""

from types import SimpleNamespace

import numpy as np


def made_up(by_rule):
    """Return three meta-seeds of two agents each on two tasks; meta-seeds differ by a hundredth."""
    seeds = np.repeat([-0.01, 0.0, 0.01], 2)[:, None]
    scores = {rule: value + seeds + np.zeros(2) for rule, value in by_rule.items()}
    return SimpleNamespace(scores=scores, clusters=dict.fromkeys(by_rule, 3), scored=("a", "b"))
