import re
import sys

import pytest

from groove.pages.charts import line_chart
from groove.pages.page import Page, Tab, render_page, write_page
from groove.pages.parts import facts
from groove.pages.templates import environment
from groove.utils.errors import GrooveError, MissingExtraError


def _page(*bodies):
    return Page("Run <x>", "One run.", [Tab(f"t{i}", f"T{i}", body) for i, body in enumerate(bodies)])


def test_a_page_loads_nothing_from_elsewhere():
    rows = [{"x": 0, "y": 1, "series": "a"}]
    html = render_page(_page(line_chart(rows, title="t", description="d", x="x", y="y", series=["a"])))
    outside = re.sub("<script.*?</script>", "", html, flags=re.S)
    assert not re.search(r'(src|href)="(?!data:|#)|@import|url\(', outside)
    assert "<script src" not in html


def test_tabs_name_their_panels_and_the_first_one_is_chosen():
    html = render_page(_page(facts({"a": 1}), facts({"b": 2})))
    assert re.findall(r'aria-controls="(\w+)" aria-selected="(\w+)"', html) == [("t0", "true"), ("t1", "false")]
    assert re.findall(r'id="(t\d)" role="tabpanel"', html) == ["t0", "t1"]


def test_the_title_is_escaped():
    assert "<title>Run &lt;x&gt;</title>" in render_page(_page(facts({})))


def test_a_page_without_charts_is_small():
    assert len(render_page(_page(facts({"a": 1})))) < 20_000


def test_a_page_of_one_tab_shows_no_list_of_tabs():
    assert "tablist" not in render_page(_page(facts({}))).split("<main")[0]


def test_tabs_of_one_name_are_refused():
    with pytest.raises(ValueError, match="different names"):
        render_page(Page("a", "b", [Tab("x", "X", ""), Tab("x", "Y", "")]))


def test_a_page_above_its_bound_is_refused_and_not_written(tmp_path):
    with pytest.raises(GrooveError, match="show less"):
        write_page(tmp_path / "a.html", "x" * 2_000_000, most_bytes=1_000_000)
    assert not list(tmp_path.iterdir())


def test_without_jinja2_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    environment.cache_clear()
    with pytest.raises(MissingExtraError, match=r'pip install "groove-rl\[report\]"'):
        environment()
