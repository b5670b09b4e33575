"""Errors that a user can act on, and the nearest valid name."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from groove.utils.text import shown


class GrooveError(ValueError):
    """An error that the user can act on; each line of its message says what is wrong and what to do."""


class ConfigError(GrooveError):
    """A setting that cannot work; the message names the setting and says what to change."""


class MissingExtraError(GrooveError, ImportError):
    """An optional package that is not installed; also an ImportError, which other code may expect."""


def closest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that is spelled most alike; None if no name is close."""
    close = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.4)
    return close[0] if close else None


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the closest valid name as a question in brackets; an empty string if no name is close."""
    close = closest(name, valid)
    return f' (did you mean "{close}"?)' if close else ""


def missing_extra(package: str, extra: str) -> MissingExtraError:
    """Return the error for an optional package that is not installed, with the command that installs it.

    Args:
      package: the package that cannot be imported, as in "jumanji".
      extra: the extra of this project that installs the package, as in "arcade".
    """
    return MissingExtraError(f'{package} is not installed; run pip install "groove-rl[{extra}]".')


def unknown_name(kind: str, name: Any, valid: Iterable[str]) -> ConfigError:
    """Return the error for a name that is not registered: the nearest valid name, and all valid names.

    Args:
      kind: what the name stands for, as in "suite".
      name: the name given; a value of another type than text is shown as it is.
      valid: the names that exist, in the order in which the message lists them.
    """
    names = list(valid)
    if not isinstance(name, str):
        return ConfigError(f"{kind} = {shown(name)} is no text; choose one of {', '.join(names)}.")
    return ConfigError(f'unknown {kind} "{name}"{nearest(name, names)}; choose one of {", ".join(names)}.')


def check_name(kind: str, name: Any, valid: Iterable[str]) -> None:
    """Refuse a name that is not registered, or no text.

    Args:
      kind, name, valid: see `unknown_name`.

    Raises:
      ConfigError: that names the nearest valid name.
    """
    names = list(valid)
    if not isinstance(name, str) or name not in names:
        raise unknown_name(kind, name, names)


def refuse_twice(key: str, values: Sequence[Any]) -> None:
    """Refuse a list that holds a value twice, of which one would be ignored.

    Args:
      key: the flag or key that gives the list, for the message.
      values: the list; values are the same if their texts are.

    Raises:
      ConfigError: that names the value.
    """
    texts = list(map(str, values))
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise ConfigError(f"{key} lists {twice} twice: list it once.")
