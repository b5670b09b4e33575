"""Pages in headless Chromium: the installed one, or else the one that `playwright install chromium` installs."""

import contextlib
import io
import shutil

import numpy as np
from PIL import Image

_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_PATIENCE = 60_000  # milliseconds; machines of tests may be busy
WIDE, PHONE = (1200, 900), (390, 844)


@contextlib.contextmanager
def opened(path, size=WIDE, fragment=""):
    """Open a file in Chromium without a network, and require at the end that the page complained of nothing."""
    from playwright.sync_api import sync_playwright

    programs = ("chromium", "chromium-browser", "google-chrome")
    installed = next(filter(None, map(shutil.which, programs)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=installed, args=[*_QUIET, "--disable-sync"], timeout=_PATIENCE
        )
        try:
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, offline=True, reduced_motion="reduce"
            )
            page = context.new_page()
            page.set_default_timeout(_PATIENCE)
            complaints, asked = [], []
            page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(path.as_uri() + fragment)
            yield page
            assert complaints == []
            assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        finally:
            browser.close()


def colours(element):
    """Return the number of different colours in the picture of an element: 1 if it is blank."""
    with Image.open(io.BytesIO(element.screenshot())) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    return len(np.unique(pixels, axis=0))


def wait_for_charts(page):
    """Wait until every chart that is in view is drawn."""
    page.wait_for_function(
        "[...document.querySelectorAll('.plot')].every(plot => !plot.checkVisibility() || plot.dataset.drawn === 'done'"
        " || plot.getBoundingClientRect().top > innerHeight || plot.getBoundingClientRect().bottom < 0)"
    )


def overflow(page):
    """Return by how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")
