"""Curricula by name."""

from collections.abc import Callable
from difflib import get_close_matches

from groove.curriculum.base import Curriculum
from groove.curriculum.fixed import make_dr
from groove.curriculum.plr import PLRConfig, make_plr
from groove.curriculum.scores import SCORES
from groove.types import Key, PyTree

CURRICULA: tuple[str, ...] = ("dr", *SCORES)


def make_curriculum(name: str, sample_level: Callable[[Key], PyTree], config: PLRConfig, num_slots: int) -> Curriculum:
    """Makes the curriculum of this name.

    Args:
      name: "dr", domain randomisation, or a score, for replay prioritised by it: "ar", algorithmic regret.
      sample_level: key -> level, from the base distribution.
      config: of the replay; not read by "dr".
      num_slots: N, slots.

    Raises:
      ValueError: on an unknown name, on less than one slot, or if the buffer does not suit the slots.
    """
    if name not in CURRICULA:
        nearest = get_close_matches(name.lower(), CURRICULA, n=1, cutoff=0.0)[0]
        raise ValueError(f"Unknown curriculum {name!r}: did you mean {nearest!r}? Valid names: {', '.join(CURRICULA)}.")
    if num_slots < 1:
        raise ValueError(f"num_slots = {num_slots}: a curriculum needs at least one slot.")
    if name == "dr":
        return make_dr(sample_level)
    return make_plr(sample_level, config, SCORES[name], num_slots, name)
