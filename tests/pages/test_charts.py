import json
import math
import re
import sys

import altair
import pytest

from groove.pages.charts import chart_library, embed, line_chart, script_json
from groove.utils.errors import MissingExtraError

ROWS = [{"x": x, "y": x * x, "series": name} for name in ("a", "b") for x in range(3)]


def _spec(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])


def _chart(rows, **settings):
    return _spec(line_chart(rows, title="t", description="a and b rise", x="steps", y="return", **settings))


def test_a_chart_holds_its_rows_once_and_its_description():
    spec = _chart(ROWS, series=["a", "b"])
    assert spec["datasets"]["rows"] == ROWS
    assert spec["description"] == "a and b rise"
    assert spec["width"] == "container"


def test_rows_with_an_interval_get_a_band():
    assert [layer["mark"]["type"] for layer in _chart(ROWS, series=["a", "b"])["layer"]] == ["line", "point"]
    banded = [row | {"low": row["y"] - 1, "high": row["y"] + 1} for row in ROWS]
    assert [layer["mark"]["type"] for layer in _chart(banded, series=["a", "b"])["layer"]] == ["area", "line", "point"]


def test_curves_differ_by_colour_and_by_dashes():
    (line,) = [x for x in _chart(ROWS, series=["a", "b"])["layer"] if x["mark"]["type"] == "line"]
    for channel in ("color", "strokeDash"):
        first, second = line["encoding"][channel]["scale"]["range"]
        assert first != second


def test_charts_of_one_kind_show_their_own_title_rows_and_references():
    def chart(title, best):
        return _spec(
            line_chart(ROWS, title=title, description=title, x="x", y="y", series=["a"], reference={"best": best})
        )

    first, second, again = chart("one", 1.0), chart("two", 2.0), chart("one", 1.0)
    assert first == again
    assert (first["title"], second["title"]) == ("one", "two")
    assert second["datasets"]["references"] == [{"y": 2.0, "label": "best"}]
    assert first["layer"] == second["layer"]


def test_values_that_are_not_finite_become_null():
    assert _chart([{"x": 0, "y": math.nan, "series": "a"}], series=["a"])["datasets"]["rows"][0]["y"] is None


def test_data_cannot_end_the_script_element():
    assert "</script" not in script_json({"name": "</script><b>"})
    assert json.loads(script_json({"name": "</script>"})) == {"name": "</script>"}


def test_a_chart_of_ones_own_is_embedded():
    chart = altair.Chart(altair.NamedData("scores")).mark_bar().encode(x="a:Q")
    assert _spec(embed(chart, "bars", data={"scores": [{"a": 1}]}))["datasets"] == {"scores": [{"a": 1}]}


def test_the_library_of_charts_is_whole_and_cannot_end_its_element():
    library = chart_library()
    assert "vegaEmbed" in library
    assert "</script" not in library


def test_without_altair_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r'pip install "groove-rl\[report\]"'):
        line_chart(ROWS, title="t", description="d", x="x", y="y", series=["a", "b"])
