"""The page of a leaderboard in headless Chromium: no errors, and every tab, header, link and chart works."""

import shutil

import pytest

from groove.evaluation.leaderboard.site.build import PAGE, build_leaderboard
from groove.evaluation.progression.anchors import save_anchors
from tests._helpers.boards import anchors, three_tasks

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaderboard")
    save_anchors(folder / "anchors.json", anchors())
    build_leaderboard(three_tasks(folder / "results"), folder / "site", anchors=folder / "anchors.json")
    return f"file://{folder / 'site' / PAGE}"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Open the page at a place; what the console says and what the network is asked for must be nothing."""
    complaints, pages = [], []

    def open_at(place="", width=1280):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("http") and complaints.append(request.url))
        page.goto(address + place)
        return page

    yield open_at
    for page in pages:
        page.close()
    assert complaints == []


def test_every_tab_shows_its_panel_by_click_and_by_keyboard(open_page):
    page = open_page()
    tabs = page.locator('[role="tab"]')
    for i in range(tabs.count()):
        tabs.nth(i).click()
        assert page.locator(".panel:visible").count() == 1
        assert page.locator(".panel:visible").inner_text().strip()
    tabs.first.click()
    page.keyboard.press("ArrowRight")
    assert page.locator("#skills").is_visible()
    assert not page.locator("#suites").is_visible()


def test_a_header_sorts_the_rules(open_page):
    page = open_page()
    table = page.locator("#suites table").first
    names = lambda: table.locator("tbody th").all_inner_texts()  # noqa: E731
    assert names() == ["mine", "a2c", "random"]
    table.get_by_role("button", name="overall").click()
    table.get_by_role("button", name="overall").click()
    assert names() == ["random", "a2c", "mine"]


def test_a_click_on_a_rule_opens_its_card_and_a_click_on_a_task_its_curves(open_page):
    page = open_page()
    page.locator("#suites").get_by_role("link", name="mine").first.click()
    assert page.locator("#rule-mine").get_by_text("Skills, the weakest first").is_visible()
    page.locator("#rule-mine").get_by_role("link", name="bsuite/Catch").click()
    entry = page.locator("#task-bsuite-Catch")
    entry.locator("svg").wait_for()
    lines = entry.locator("svg .mark-line path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d').length)"
    )
    assert len(lines) == 3
    assert min(lines) > 10
    assert entry.locator("svg").get_by_text("best known").is_visible()


def test_an_address_opens_the_entry_that_it_names(open_page):
    page = open_page("#task-classic-CartPole")
    page.locator("#task-classic-CartPole svg").wait_for()
    assert page.locator("#tasks").is_visible()
    assert page.evaluate("location.hash") == "#task-classic-CartPole"


def test_profiles_are_drawn_where_they_are_opened(open_page):
    page = open_page("#profiles")
    page.locator("#profiles svg").first.wait_for()
    assert page.locator("#profiles svg").count() == 1
    page.locator("#profile-classic summary").click()
    page.locator("#profile-classic svg").wait_for()


def test_a_phone_shows_every_tab_without_scrolling_sideways(open_page):
    page = open_page(width=390)
    for tab in page.locator('[role="tab"]').all():
        tab.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
