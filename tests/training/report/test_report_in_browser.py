"""The report in Chromium: no complaints, every tab and click works, pictures are not blank, and a phone can show it."""

import json

import pytest

from groove.pages.page import write_page
from groove.training.report.report import report_page
from groove.training.report.reported_run import read_runs
from tests._helpers.browser import PHONE, WIDE, colours, opened, overflow, wait_for_charts
from tests._helpers.finished_runs import finished_run
from tests._helpers.galleries import tiny_gallery

pytestmark = pytest.mark.browser
TABS = ["Summary", "Meta-training", "Validation", "Curriculum", "Levels", "Configuration"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The report of a run with 400 rows of every kind and two levels with agents."""
    folder = tmp_path_factory.mktemp("report")
    run = finished_run(folder / "run", 0, 0.8, 0.0)
    rows = [
        {
            "step": i,
            "finished": 8.0,
            "student_return": i / 400,
            "antagonist_return": 0.9,
            "regret": 0.9 - i / 400,
            "score_mean": 0.4,
            "score_p10": 0.1,
            "score_p90": 0.8,
            "scored_fraction": 0.5,
            "turnover": i / 100,
            "levels/size": 5.0 + i / 400,
            "base_levels/size": 6.0,
            "of_tomorrow": 1.0,
            **({"validation/normalised_return": i / 500} if i % 100 == 0 else {}),
            **({"validation/normalised_low": i / 600} if i % 100 == 0 else {}),
            **({"validation/normalised_high": i / 400} if i % 100 == 0 else {}),
        }
        for i in range(1, 401)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run / "validation.json").write_text(
        json.dumps({"step": 400, "returns": {"student": [0.5, 0.7], "a2c": [0.6, 0.6]}})
    )
    write_page(folder / "report.html", report_page(read_runs([run]), [tiny_gallery(seconds=600)]))
    return folder / "report.html"


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_tab_shows_its_charts_and_fits_the_screen(path, size):
    with opened(path, size) as page:
        for title in TABS:
            page.get_by_role("tab", name=title).click()
            assert page.locator(".panel:visible").count() == 1
            wait_for_charts(page)
            assert overflow(page) <= 0, title
            for chart in page.locator(".plot:visible").all():
                chart.scroll_into_view_if_needed()
                wait_for_charts(page)
                assert colours(chart) > 5, title
                assert chart.locator("svg").get_attribute("aria-label") or chart.locator("[aria-label]").count()


def test_arrow_keys_move_between_tabs_and_the_address_keeps_the_tab(path):
    with opened(path) as page:
        page.get_by_role("tab", name="Summary").focus()
        page.keyboard.press("ArrowLeft")
        assert page.get_by_role("tab", selected=True).inner_text() == "Configuration"
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("location.hash") == "#training"
    with opened(path, fragment="#levels") as page:
        assert page.get_by_role("tab", selected=True).inner_text() == "Levels"


def test_the_list_of_other_metrics_opens(path):
    with opened(path, fragment="#training") as page:
        page.get_by_text("All other metrics").click()
        wait_for_charts(page)
        assert page.locator("details .plot svg").count() >= 1


def test_tables_sort_by_a_click_on_a_header(path):
    with opened(path, fragment="#configuration") as page:
        settings = page.locator("#configuration table").nth(1)
        first = settings.locator("tbody th").first
        before = first.inner_text()
        settings.get_by_role("button", name="setting").click()
        assert settings.locator("[aria-sort]").get_attribute("aria-sort") == "ascending"
        ascending = first.inner_text()
        settings.get_by_role("button", name="setting").click()
        assert len({before, ascending, first.inner_text()}) >= 2
        assert first.inner_text() > ascending


def test_a_click_on_a_level_shows_curves_and_agents_that_act(path):
    with opened(path, fragment="#levels") as page:
        page.locator(".card").first.click()
        dialog = page.locator("dialog[open]")
        wait_for_charts(page)
        assert colours(dialog.locator(".plot")) > 5
        boards = dialog.locator(".board svg")
        assert boards.count() == 2
        assert min(colours(board) for board in boards.all()) > 5
        slider, told = dialog.locator("input[type=range]"), dialog.locator("output")
        assert told.inner_text().startswith("0 of ")
        start = dialog.locator(".agent").first.get_attribute("style")
        for age in ("at birth", "in the middle of life", "at the end of life"):
            dialog.get_by_label(age).check()
            assert "n = 32 episodes" in dialog.locator(".told").first.inner_text()
        dialog.get_by_label("at birth").check()
        places = {start}
        for _ in range(int(slider.get_attribute("max"))):
            slider.press("ArrowRight")
            places.add(dialog.locator(".agent").first.get_attribute("style"))
        assert len(places) > 1, "a random agent moves"
        dialog.get_by_role("button", name="Play").click()
        page.wait_for_function("document.querySelector('dialog[open] output').textContent.startsWith('2 ')")
        dialog.get_by_role("button", name="Pause").click()
        dialog.get_by_role("button", name="Next").click()
        assert "Level 2" in page.locator("dialog[open] h3").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0


def test_text_stands_out_from_its_background(path):
    """WCAG 2 asks for a contrast of 4.5."""
    with opened(path) as page:
        for selector in ("body", ".lead", ".about", ".basis", "footer", ".tabs [aria-selected=true]"):
            colour = page.locator(selector).first.evaluate("e => getComputedStyle(e).color")
            assert _contrast([int(x) for x in colour[4:-1].split(",")], (0xF4, 0xF6, 0xF8)) >= 4.5, selector


def _contrast(first, second):
    light = sorted((_luminance(first), _luminance(second)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(colour):
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
