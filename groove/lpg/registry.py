"""Hand-written update rules by name."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from groove.lpg.a2c import A2CConfig, make_a2c
from groove.lpg.base import UpdateRule
from groove.lpg.ppo import PPOConfig, make_ppo
from groove.lpg.random import make_random

HAND_WRITTEN: Mapping[str, Callable[[A2CConfig, PPOConfig, float], UpdateRule]] = {
    "a2c": lambda a2c, ppo, discount: make_a2c(a2c, discount),
    "ppo": lambda a2c, ppo, discount: make_ppo(ppo, discount),
    "random": lambda a2c, ppo, discount: make_random(),
}


def make_hand_written(name: str, a2c: A2CConfig, ppo: PPOConfig, discount: float) -> UpdateRule:
    """Makes the hand-written rule of this name.

    Args:
      name: "a2c", "ppo" or "random".
      a2c: read by "a2c" only.
      ppo: read by "ppo" only.
      discount: gamma.

    Raises:
      ValueError: on an unknown name, naming the nearest valid one.
    """
    if name not in HAND_WRITTEN:
        nearest = get_close_matches(name.lower(), HAND_WRITTEN, n=1, cutoff=0.0)[0]
        valid = ", ".join(HAND_WRITTEN)
        raise ValueError(f"Unknown update rule {name!r}: did you mean {nearest!r}? Valid names: {valid}.")
    return HAND_WRITTEN[name](a2c, ppo, discount)
