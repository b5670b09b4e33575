"""Numbers as pages show them: with the n that they rest on, and with their interval if they have one."""

import math
from typing import NamedTuple

from groove.utils.text import quantity


class Measured(NamedTuple):
    """An estimate.

    Attributes:
      value: the estimate; NaN is shown as a dash.
      n: how many things it rests on.
      of: what these are, as in "levels" or "seeds".
      low: the lower end of the interval; None if there is none.
      high: the upper end.
    """

    value: float
    n: int
    of: str
    low: float | None = None
    high: float | None = None

    @property
    def number(self) -> str:
        """The estimate alone, for a place that shows `basis` beside it."""
        return quantity(self.value) if math.isfinite(self.value) else "–"

    @property
    def interval(self) -> str:
        """The interval, as in "[0.79, 0.87]"; empty if there is none."""
        if self.low is None or self.high is None:
            return ""
        return f"[{quantity(self.low)}, {quantity(self.high)}]"

    @property
    def basis(self) -> str:
        """The interval and n, as in "[0.79, 0.87], n = 256 levels"."""
        return f"{self.interval}, n = {self.n:,} {self.of}".removeprefix(", ")

    def __str__(self) -> str:
        return f"{self.number} {self.basis}" if self.interval else f"{self.number} ({self.basis})"
