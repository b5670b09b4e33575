"""Playing a level: a person at the keyboard of a terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from groove.evaluation.levels.find_level import find_level
from groove.evaluation.levels.game import Game
from groove.utils.errors import GrooveError
from groove.utils.jax_flags import standard_flags

_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}  # the last letter of the sequence that a terminal sends
_WINDOWS_ARROWS = {"H": "up", "P": "down", "M": "right", "K": "left"}
_ESCAPE_SECONDS = 0.05  # within which the rest of such a sequence follows


@standard_flags()
def play(level: str, *, seed: int = 0) -> None:
    """Let a person play a level until q or Ctrl-C.

    Args:
      level: a named gridworld, or PATH or PATH:N of a level file or a run, as `find_level` reads it.
      seed: of the events of the level.

    Raises:
      GrooveError: if there is no such level, or no terminal to play in.
    """
    found = find_level(level)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise GrooveError("play needs a terminal: run it in one, or write an animation with --gif FILE.")
    game = Game(found, seed)
    with _keys() as keys, Live(game.picture(), console=Console(), screen=True, auto_refresh=False) as screen:
        for key in keys:
            if game.press(key) == "quit":
                break
            screen.update(game.picture(), refresh=True)
    if game.episodes:
        print(f"{game.episodes} episodes, best return {game.best:.2f}")


@contextmanager
def _keys() -> Iterator[Iterator[str]]:
    """Read single keys from the terminal, which is left as it was: letters, "up", "enter", "escape" and so on."""
    if os.name == "nt":
        yield _windows_keys()
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)  # keys at once and without echo; Ctrl-C still interrupts
        yield _posix_keys(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _posix_keys(terminal: int) -> Iterator[str]:
    import select

    while letter := os.read(terminal, 1).decode(errors="replace"):
        if letter == "\x1b":
            follows = select.select([terminal], [], [], _ESCAPE_SECONDS)[0]
            sequence = os.read(terminal, 8).decode(errors="replace") if follows else ""
            letter = _ARROWS.get(sequence[-1:], "") if sequence else "escape"
        yield "enter" if letter in ("\r", "\n") else letter.lower()


def _windows_keys() -> Iterator[str]:
    import msvcrt

    read = getattr(msvcrt, "getwch")  # noqa: B009 (type checkers on other systems do not know it)
    while True:
        letter = read()
        if letter in ("\x00", "\xe0"):
            yield _WINDOWS_ARROWS.get(read(), "")
        elif letter == "\x03":
            raise KeyboardInterrupt
        else:
            yield {"\r": "enter", "\x1b": "escape"}.get(letter, letter.lower())
