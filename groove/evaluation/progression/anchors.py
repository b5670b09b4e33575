"""Anchors: the return of each task that scores 1. Random play, which scores 0, is measured with the rules.

Format 1 of a file of anchors is a JSON object::

    format      1
    anchors     list of objects:
        task              SUITE/NAME
        levels            number of levels that the return is a mean over, the first of the task; null for any number
        best              mean undiscounted return of complete episodes
        kind              exact, bound, threshold or measured
        source            one sentence: where the number comes from
        standard_error    0 unless measured
        agents            number of agents that were measured; 0 unless measured

`groove anchors` makes such a file; `anchors.json` beside this module is the one that is used by default.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groove.utils.errors import ConfigError
from groove.utils.io import read_json, write_json
from groove.utils.paths import writing
from groove.utils.schema import complaint

ANCHORS_FORMAT = 1
ANCHORS_FILE = Path(__file__).with_name("anchors.json")
KINDS = {  # kind -> meaning
    "exact": "the expected return of the best policy",
    "bound": "the largest return that the task can pay, which the best policy may miss",
    "threshold": "the return at which the task counts as solved; better agents score 1, too",
    "measured": "the return of trained agents; better agents score 1, too",
}


@dataclass(frozen=True)
class Anchor:
    """The return of a task that scores 1; `anchors` describes the fields."""

    task: str
    best: float
    kind: str
    source: str
    levels: int | None = None
    standard_error: float = 0.0
    agents: int = 0


class Anchors:
    """Anchors by task and number of levels."""

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        """Hold anchors; of two for one task and number of levels, the later one counts."""
        self._by_key = {(anchor.task, anchor.levels): anchor for anchor in anchors}

    def __iter__(self) -> Any:
        """Yield the anchors, sorted by task and number of levels."""
        return iter(sorted(self._by_key.values(), key=lambda anchor: (anchor.task, anchor.levels or 0)))

    def find(self, task: str, levels: int) -> Anchor | None:
        """Return the anchor of a task for results on its first `levels` levels; None if there is none."""
        return self._by_key.get((task, levels)) or self._by_key.get((task, None))


def declared() -> tuple[Anchor, ...]:
    """Return the anchors that follow from the definition of a task."""
    minigrid = "reaching the goal pays 1 - 0.9 t / limit after t steps, and nothing else pays"
    return (
        Anchor("classic/CartPole", 500.0, "exact", "a reward of 1 for each of 500 steps"),
        Anchor("classic/Acrobot", -100.0, "threshold", "Gym's reward threshold of Acrobot-v1"),
        Anchor("classic/MountainCar", -110.0, "threshold", "Gym's reward threshold of MountainCar-v0"),
        Anchor("bsuite/Catch", 1.0, "exact", "every ball can be caught, which pays 1"),
        Anchor("bsuite/DeepSea", 0.99, "exact", "a reward of 1 for eight moves right, each of which costs 0.01 / 8"),
        Anchor("bsuite/DiscountingChain", 1.1, "exact", "one of the five rewards is 1.1, the others are 1"),
        *(
            Anchor(f"minigrid/{name}", 1.0, "bound", minigrid)
            for name in ("EmptyRandom-8x8", "FourRooms", "DoorKey-6x6", "Unlock")
        ),
        Anchor("jaxtari/pong", 21.0, "bound", "a game ends at 21 points"),
        Anchor("atari/pong", 21.0, "bound", "a game ends at 21 points"),
    )


def load_anchors(path: Path = ANCHORS_FILE) -> Anchors:
    """Read a file of anchors.

    Raises:
      ConfigError: if the file is missing, damaged or of another format.
    """
    remedy = "make a file of anchors with groove anchors"
    stored = read_json(path, remedy)
    if not isinstance(stored, dict) or stored.get("format") != ANCHORS_FORMAT:
        raise ConfigError(f"{path} is not a file of anchors of format {ANCHORS_FORMAT}; {remedy}.")
    rows = stored.get("anchors")
    if not isinstance(rows, list):
        raise ConfigError(f"{path} holds no list of anchors; {remedy}.")
    return Anchors([_anchor(row, f"{path}, anchor {number}") for number, row in enumerate(rows, 1)])


def save_anchors(path: Path, anchors: Iterable[Anchor]) -> None:
    """Write a file of anchors, sorted by task.

    Raises:
      GrooveError: if the file cannot be written.
    """
    rows = [asdict(anchor) for anchor in Anchors(anchors)]
    with writing(path, "Choose another --to."):
        write_json(path, {"format": ANCHORS_FORMAT, "anchors": rows})


def _anchor(row: Any, where: str) -> Anchor:
    if reason := complaint(_schema(), row, _NAMES):
        raise ConfigError(f"{where}, is damaged ({reason}): make the file again with groove anchors.")
    anchor = Anchor(**row)
    if anchor.kind not in KINDS:
        raise ConfigError(f'{where}, has the unknown kind "{anchor.kind}": choose one of {", ".join(KINDS)}.')
    if not (math.isfinite(anchor.best) and math.isfinite(anchor.standard_error) and anchor.standard_error >= 0):
        raise ConfigError(f"{where}, has a best or a standard error that is no number: correct the file.")
    return anchor


_NAMES: Sequence[str] = ("task", "best", "kind", "source", "levels", "standard_error", "agents")


def _schema() -> Any:
    import pydantic  # slow to import

    fields: Any = {
        "task": (str, ...),
        "best": (float, ...),
        "kind": (str, ...),
        "source": (str, ...),
        "levels": (int | None, ...),
        "standard_error": (float, ...),
        "agents": (int, ...),
    }
    return pydantic.create_model("Anchor", __config__=pydantic.ConfigDict(extra="forbid"), **fields)
