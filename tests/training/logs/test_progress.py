"""The panel shows what is known, and a log file gets few lines."""

import io
import math

import jax.numpy as jnp
import pytest
from rich.console import Console

from groove.training.logs.progress import Progress

ROW = {
    "student_return": 0.4123,
    "antagonist_return": 0.52,
    "regret": 0.1077,
    "meta_steps_per_second": 3.412,
    "env_steps_per_second": 1_254_321.0,
    "replay_share": 0.49,
    "skipped": 0.0,
}
VALIDATION = {
    "validation/normalised_return": 0.72,
    "validation/normalised_low": 0.69,
    "validation/normalised_high": 0.75,
    "validation/untrained_normalised": 0.06,
}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def plain(clock, **arguments) -> tuple[Progress, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=80)
    return Progress(console=console, clock=clock, **arguments), out


def panel_text(progress: Progress, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(progress.panel())
    return console.file.getvalue()


def test_a_log_file_gets_the_first_line_one_every_15_seconds_and_the_last(clock):
    progress, out = plain(clock, total_steps=100)
    with progress:
        for step in range(1, 42):
            clock.now += 1.0
            progress.update(step, ROW)
    steps = [line.split(",")[0] for line in out.getvalue().splitlines()]
    assert steps == ["step 1/100", "step 16/100", "step 31/100", "step 41/100"]
    assert "\x1b" not in out.getvalue()


def test_the_last_line_is_not_said_twice(clock):
    progress, out = plain(clock, total_steps=1)
    with progress:
        progress.update(1, ROW)
    assert len(out.getvalue().splitlines()) == 1


def test_a_line_says_it_all(clock):
    progress, out = plain(clock, total_steps=2000)
    with progress:
        clock.now += 10.0
        progress.update(50, ROW | VALIDATION | {"skipped": 2})
    assert out.getvalue() == (
        "step 50/2000, 3.41 meta-steps/s, 1.25 M env steps/s, student 0.412, antagonist 0.520, regret 0.108, "
        "replay share 0.490, unseen levels 0.72 of A2C [0.69, 0.75], untrained 0.06, at step 50, "
        "skipped 2 meta-gradients that were not finite, 6 min 30 s left\n"
    )


def test_messages_and_subtasks_are_lines_of_their_own(clock):
    progress, out = plain(clock, minutes=1.0)
    with progress:
        progress.message("[bold]Saved[/bold] " + 100 * "x")
        with progress.subtask("validating 256 levels", 4) as advance:
            advance(4)
    assert out.getvalue() == "[bold]Saved[/bold] " + 100 * "x" + "\nvalidating 256 levels\n"


def test_the_panel_shows_everything(clock):
    progress, _ = plain(clock, total_steps=2000, title="groove: curriculum ar")
    with progress:
        assert "compiling" in panel_text(progress)
        clock.now += 60.0
        progress.update(500, ROW | VALIDATION | {"skipped": jnp.float32(3)})
        text = panel_text(progress)
        with progress.subtask("validating 256 levels", 8) as advance:
            advance(1)
            advance(2)
            assert "validating 256 levels: 3 of 8" in panel_text(progress)
    for part in (
        "groove: curriculum ar",
        "500 of 2,000   25%   3 min 00 s left",
        "3.41 meta-steps/s   1.25 M env steps/s",
        "student 0.412   antagonist 0.520   regret 0.108",
        "replay share 0.490",
        "0.72 of A2C [0.69, 0.75]   untrained 0.06   at step 500",
        "3 meta-gradients that were not finite",
    ):
        assert part in text
    assert "validating" not in panel_text(progress)
    assert "compiling" not in text


def test_what_is_unknown_is_left_out(clock):
    progress, _ = plain(clock, total_steps=10)
    progress.update(1, {"student_return": 0.5, "skipped": 0, "regret": math.nan})
    text = panel_text(progress)
    assert "student 0.500" in text
    for absent in ("regret", "antagonist", "unseen", "skipped", "speed", "nan"):
        assert absent not in text


def test_a_metric_is_shown_as_it_was_last(clock):
    progress, _ = plain(clock, total_steps=1000)
    progress.update(100, ROW | VALIDATION)
    progress.update(200, {"regret": math.nan, "student_return": 0.6})
    text = panel_text(progress)
    assert "student 0.600   antagonist 0.520   regret 0.108" in text
    assert "0.72 of A2C [0.69, 0.75]   untrained 0.06   at step 100" in text


def test_the_pace_leaves_compilation_and_earlier_sessions_out(clock):
    progress, _ = plain(clock, total_steps=1000, start_step=400)
    with progress:
        assert progress.seconds_left() is None
        clock.now += 90.0  # compilation, and the first chunk
        progress.update(410, ROW)
        clock.now += 20.0
        progress.update(420, ROW)
        assert progress.seconds_left() == pytest.approx(580 * 2.0)
        clock.now += 10.0
        assert progress.seconds_left() == pytest.approx(580 * 2.0 - 10)


def test_the_nearer_end_counts(clock):
    progress, _ = plain(clock, total_steps=1000, minutes=2.0)
    with progress:
        assert progress.seconds_left() == 120.0
        clock.now += 60.0
        progress.update(100, ROW)
        assert progress.seconds_left() == 60.0
        assert progress.fraction() == 0.5
        clock.now += 10.0
        progress.update(990, ROW)
        assert progress.seconds_left() < 1.0
        assert progress.fraction() == 0.99
        clock.now += 1000.0
        assert progress.seconds_left() == 0.0
        assert progress.fraction() == 1.0


def test_a_run_without_an_end_is_refused():
    with pytest.raises(ValueError, match="steps or of minutes: give one"):
        Progress()


def test_on_a_terminal_the_panel_is_live_and_goes_when_an_error_passes(clock):
    console = Console(file=io.StringIO(), force_terminal=True, width=100)

    def run():
        with Progress(10, console=console, clock=clock) as progress:
            progress.update(3, ROW)
            progress.message("Saved.")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    text = console.file.getvalue()
    assert "3 of 10" in text
    assert "Saved." in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
