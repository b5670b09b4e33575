"""Numbers and durations in words, and wrapped paragraphs."""

import textwrap
from typing import Any

_SHOWN = 60  # characters of a value in a message


def duration(seconds: float) -> str:
    """Return seconds in at most two units: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def quantity(value: float) -> str:
    """Return a number with three digits, and k, M or G for thousands, millions or billions: 0.42, 12.3, 1.25 M."""
    rounded = float(f"{value:.3g}")  # 999,700 is 1 M, not 1000 k
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(rounded) >= size:
            return f"{rounded / size:.3g} {unit}"
    return f"{value:.3g}"


def shown(value: Any) -> str:
    """Return a value as a message shows it: one line, cut where it is long, whatever the value is."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an integer of thousands of digits, or an object whose text cannot be had
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def paragraph(text: str) -> str:
    """Return a text as a paragraph of Markdown, wrapped at 100 columns."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
