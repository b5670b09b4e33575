"""The grammar of mixtures: SOURCE=WEIGHT,SOURCE=WEIGHT,... or a single source without a weight.

A source may have an argument, NAME:ARGUMENT, which may be the path of a file and hold commas and equals signs of its
own. The default folder of a run of a mixture, `dr=0.5,mazes=0.5-laptop-0-20260101-000000`, is an example.
"""

import math
import re
from collections.abc import Sequence

from groove.utils.errors import GrooveError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan)"
_WEIGHTED = re.compile(rf"(.+)=({_NUMBER})")
_MEMBER = re.compile(rf"\s*\w+\s*(?::.*|=(?:{_NUMBER}))?")


def split_mixture(name: str) -> dict[str, float]:
    """Return the members of a mixture with their weights; a single source has weight one.

    Args:
      name: for instance "mazes", "dr=0.5,mazes=0.5" or "set:runs/lr=0.1,seed=3/hard.safetensors". A single source with
        an argument takes no weight: an equals sign belongs to the argument.

    Raises:
      GrooveError: on a member that has no weight or appears twice, or on a weight that is not positive and finite.
    """
    parts = _parts(name)
    if not any(_WEIGHTED.fullmatch(part) for part in parts) or (len(parts) == 1 and _has_argument(name)):
        return {name: 1.0}
    members: dict[str, float] = {}
    for part in parts:
        member, weight = _weighted(part, name)
        if member in members:
            raise GrooveError(f'"{name}" names {member} twice; give it one weight.')
        members[member] = weight
    return members


def portions(shares: Sequence[float], total: int) -> list[int]:
    """Divide a number of equal things by shares, with the method of largest remainders.

    Args:
      shares: one for each member, which add up to 1.
      total: the number of things.
    """
    exact = [share * total for share in shares]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _parts(name: str) -> list[str]:
    """Split at the commas between members, and leave the commas inside arguments."""
    parts: list[str] = []
    for text in name.split(","):
        owners = [i for i, part in enumerate(parts) if _has_argument(part)]
        if owners and not _MEMBER.fullmatch(text):  # the rest of a path: no member looks like this
            parts[owners[-1] :] = [",".join([*parts[owners[-1] :], text])]
        else:
            parts.append(text)
    return parts


def _has_argument(part: str) -> bool:
    return re.match(r"\s*\w+:.", part) is not None


def _weighted(part: str, name: str) -> tuple[str, float]:
    """Return the member and the weight of one part of a mixture."""
    match = _WEIGHTED.fullmatch(part)
    if match is None:
        raise GrooveError(f'"{part}" of "{name}" has no weight; write for instance dr=0.5,handcrafted=0.5.')
    weight = float(match[2])
    if not 0 < weight < math.inf:
        raise GrooveError(f'the weight of "{part}" must be positive and finite; write for instance dr=0.5.')
    return match[1].strip(), weight
