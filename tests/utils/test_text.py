"""Numbers and durations are short and rounded to the unit that is shown."""

import pytest

from groove.utils.text import duration, paragraph, quantity, shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7860, "2 h 11 min"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.4213, "0.421"),
        (12.34, "12.3"),
        (1500, "1.5 k"),
        (1_254_321, "1.25 M"),
        (-2e9, "-2 G"),
        (999.7, "1 k"),
        (999_700, "1 M"),
    ],
)
def test_quantities(value, words):
    assert quantity(value) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "'x'"),
        (["a", None], "['a', None]"),
        ("a\nb", r"'a\nb'"),
        pytest.param(10**5000, "a value of type int", id="huge"),
        ("x" * 100, "'" + "x" * 56 + "..."),
    ],
)
def test_values_are_shown_in_one_short_line(value, text):
    assert shown(value) == text


def test_paragraphs_are_wrapped_at_spaces_only():
    long_name = "x" * 120
    assert paragraph(f"{'word ' * 25}") == "\n".join(["word " * 19 + "word", "word " * 4 + "word"])
    assert paragraph(f"a {long_name} b-{'c' * 97}").split("\n") == ["a", long_name, f"b-{'c' * 97}"]
