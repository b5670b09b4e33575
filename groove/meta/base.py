"""The interface of a meta-optimizer: how the rule's parameters move."""

from collections.abc import Callable
from typing import Any, NamedTuple

from groove.meta.slots import Slots
from groove.types import Array


class MetaOptimizer(NamedTuple):
    """Moves eta by what happens in the slots.

    Attributes:
      init: eta -> state.
      step: (eta, state, slots) -> (eta, state, slots, metrics): K updates of every student and one of eta. Runs on one
        device's share of the slots, and averages over the mesh axis it was built for.
    """

    init: Callable[[Any], Any]
    step: Callable[[Any, Any, Slots], tuple[Any, Any, Slots, dict[str, Array]]]
