"""Errors that a user can act on, and the nearest valid name."""

import difflib
from collections.abc import Iterable


class GrooveError(ValueError):
    """An error that the user can act on; each line of its message says what is wrong and what to do."""


class ConfigError(GrooveError):
    """A configuration that cannot run; the message says what to change."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The closest valid name as a question in brackets, or nothing."""
    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.4)
    return f' (did you mean "{close[0]}"?)' if close else ""
