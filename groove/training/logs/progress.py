"""The display of a run in progress: a live panel on a terminal, otherwise a line now and then."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from groove.training.settings.config import BASELINE_LABEL
from groove.utils.text import duration, quantity

LINE_SECONDS = 15.0  # between two lines where there is no terminal
PANEL_WIDTH = 88
_LABELLED = ("unseen levels", "skipped")  # rows whose label a line repeats, because their values do not explain it


class Progress:
    """The display of a run: `update` after every chunk of meta-steps, `message` for any other line.

    A metric that is missing or NaN in a row is shown with its last value.
    """

    def __init__(
        self,
        total_steps: int | None = None,
        minutes: float | None = None,
        *,
        start_step: int = 0,
        title: str = "groove",
        first_rule: str = "untrained rule",
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the display; entering it as a context shows it.

        Args:
          total_steps: the meta-step at which the run ends.
          minutes: the time after which the run ends. With both limits, the run ends at whichever comes first.
          start_step: the meta-step at which the run starts or continues.
          title: the heading of the panel.
          first_rule: what the rule before meta-training is called.
          console: where the display appears; by default standard output.
          clock: returns seconds, from any origin.

        Raises:
          ValueError: if the run has no end.
        """
        if total_steps is None and minutes is None:
            raise ValueError("A run ends after a number of steps or of minutes: give one of them.")
        self._total, self._minutes, self._start_step = total_steps, minutes, start_step
        self._title, self._first_rule, self._clock = title, first_rule, clock
        self._console = console or Console()
        self._live: Live | None = None
        self._start = clock()
        self._step = start_step
        self._updates: list[tuple[float, int]] = []  # (seconds, step) of the first and of the last
        self._shown: dict[str, float] = {}
        self._validated_at: int | None = None
        self._subtask: tuple[str, int, int] | None = None
        self._line_at = -math.inf
        self._pending = False

    def __enter__(self) -> Self:
        self._start = self._clock()
        if self._console.is_terminal:
            self._live = Live(get_renderable=self.panel, console=self._console, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._pending:
            self._print_line()

    def update(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Show the state after a meta-step.

        Args:
          step: the meta-step.
          metrics: scalars by their names in metrics.jsonl.
        """
        self._step = step
        self._updates = [*self._updates[:1], (self._clock(), step)]
        finite = {name: float(v) for name, v in metrics.items() if math.isfinite(float(v))}
        self._shown |= finite
        if "validation/normalised_return" in finite:
            self._validated_at = step
        self._pending = True
        if self._live is None and self._clock() - self._line_at >= LINE_SECONDS:
            self._print_line()

    def message(self, text: str) -> None:
        """Print a line that stays."""
        print_line(self._console, text)

    @contextmanager
    def subtask(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a second bar for as long as the context lasts.

        Args:
          description: the work, such as "validating 256 levels".
          total: parts of the work.

        Yields:
          A function to call with the number of parts that were just done.
        """
        self._subtask = (description, 0, total)
        if self._live is None:
            self.message(description)

        def advance(parts: int) -> None:
            if self._subtask is not None:
                name, done, of = self._subtask
                self._subtask = (name, done + parts, of)

        try:
            yield advance
        finally:
            self._subtask = None

    def seconds_left(self) -> float | None:
        """Return the seconds to the end at the pace so far; None if only steps limit the run and none is done."""
        now = self._clock()
        left = [] if self._minutes is None else [self._start + 60 * self._minutes - now]
        if self._total is not None and self._updates:
            end, step = self._updates[-1]
            begin, first = self._updates[0]
            if first == step:  # the only update so far, which includes compilation
                begin, first = self._start, self._start_step
            left.append((self._total - step) * (end - begin) / max(step - first, 1) - (now - end))
        return max(0.0, min(left)) if left else None

    def fraction(self) -> float:
        """Return the share of the run that is done, in [0, 1]."""
        steps = self._step / self._total if self._total else 0.0
        minutes = (self._clock() - self._start) / (60 * self._minutes) if self._minutes else 0.0
        return min(1.0, max(steps, minutes))

    def panel(self) -> RenderableType:
        """Return the live panel in its current state."""
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(style="dim", no_wrap=True, width=13)
        grid.add_column(no_wrap=True, ratio=1)
        grid.add_row("meta-steps", self._bar_row())
        for name, parts in self._rows():
            grid.add_row(name, Text("   ".join(parts)))
        if self._subtask is not None:
            name, done, total = self._subtask
            grid.add_row("now", _bar(done / max(total, 1), f"{name}: {done} of {total}"))
        width = min(PANEL_WIDTH, self._console.width)
        return Panel(grid, title=self._title, title_align="left", border_style="dim", width=width)

    def _bar_row(self) -> RenderableType:
        of = f" of {self._total:,}" if self._total is not None else ""
        left = self.seconds_left()
        time_left = f"{duration(left)} left" if left is not None and self._updates else "compiling"
        return _bar(self.fraction(), f"{self._step:,}{of}   {self.fraction():.0%}   {time_left}")

    def _rows(self) -> list[tuple[str, list[str]]]:
        shown = self._shown
        rows = [
            ("speed", self._speed()),
            (
                "return",
                _named(shown, student="student_return", antagonist="antagonist_return", regret="regret"),
            ),
            ("curriculum", _named(shown, **{"replay share": "replay_share"})),
            ("unseen levels", self._headline()),
            ("skipped", self._skipped()),
        ]
        return [(name, parts) for name, parts in rows if parts]

    def _speed(self) -> list[str]:
        units = {"meta_steps_per_second": "meta-steps/s", "env_steps_per_second": "env steps/s"}
        return [f"{quantity(self._shown[name])} {unit}" for name, unit in units.items() if name in self._shown]

    def _skipped(self) -> list[str]:
        count = self._shown.get("skipped", 0.0)
        return [f"{count:,.0f} meta-gradients that were not finite"] if count > 0 else []

    def _headline(self) -> list[str]:
        shown = self._shown
        if "validation/normalised_return" not in shown:
            return []
        low, high = shown.get("validation/normalised_low"), shown.get("validation/normalised_high")
        interval = f" [{low:.2f}, {high:.2f}]" if low is not None and high is not None else ""
        untrained = shown.get("validation/untrained_normalised")
        parts = [f"{shown['validation/normalised_return']:.2f} of {BASELINE_LABEL}{interval}"]
        parts += [f"{self._first_rule.removesuffix(' rule')} {untrained:.2f}"] if untrained is not None else []
        return [*parts, f"at step {self._validated_at:,}"]

    def _print_line(self) -> None:
        of = f"/{self._total}" if self._total is not None else ""
        left = self.seconds_left()
        rows = ((f"{name} " if name in _LABELLED else "") + ", ".join(row) for name, row in self._rows())
        end = [f"{duration(left)} left"] if left is not None else []
        self.message(", ".join([f"step {self._step}{of}", *rows, *end]))
        self._line_at, self._pending = self._clock(), False


def print_line(console: Console, text: str) -> None:
    """Print text as it is, without wrapping."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _named(shown: Mapping[str, float], **names: str) -> list[str]:
    return [f"{label} {shown[name]:.3f}" for label, name in names.items() if name in shown]


def _bar(fraction: float, text: str) -> RenderableType:
    row = Table.grid(padding=(0, 2), expand=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True, min_width=42)  # two bars below each other have equal length
    row.add_row(ProgressBar(total=1.0, completed=fraction), Text(text))
    return row
