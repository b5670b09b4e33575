import math
import re

import pytest

from groove.pages.measures import Measured
from groove.pages.parts import Cell, Column, facts, headlines, picture, section, table


def test_an_estimate_is_shown_with_its_interval_and_its_n():
    assert str(Measured(0.8312, 256, "levels", 0.791, 0.87)) == "0.831 [0.791, 0.87], n = 256 levels"
    assert str(Measured(12.3, 1, "run")) == "12.3 (n = 1 run)"


def test_an_estimate_that_is_not_finite_is_a_dash():
    assert Measured(math.nan, 0, "seeds").number == "–"


def test_texts_are_escaped_and_markup_is_not():
    page = section("<b>", facts({"command": "a < b"}))
    assert "&lt;b&gt;" in page
    assert "a &lt; b" in page
    assert "<dl" in page


def test_cells_of_a_table_carry_what_they_are_sorted_by():
    rows = [
        ["lpg", Measured(0.6, 10, "seeds", 0.5, 0.7)],
        ["none", Measured(math.nan, 0, "seeds")],
        ["x", Cell("a", 3)],
    ]
    html = table("Rules", ["rule", Column("return", numeric=True)], rows)
    assert re.findall(r'data-order="([^"]*)"', html) == ["lpg", "0.6", "none", "", "x", "3"]
    assert "n = 10 seeds" in html
    assert html.count('scope="row"') == 3


def test_headlines_show_the_basis_of_a_number():
    assert "[0.5, 0.7], n = 10 seeds" in headlines({"return": Measured(0.6, 10, "seeds", 0.5, 0.7)})


def test_a_picture_lies_in_the_page_and_has_a_text():
    assert '<img src="data:image/gif;base64,R0lG" alt="a level">' in picture(b"GIF", "a level", kind="gif")


@pytest.mark.parametrize("value", ["</script><script>alert(1)</script>", "a & b"])
def test_a_cell_cannot_end_its_element(value):
    assert "<script" not in table("t", ["a"], [[value]])
