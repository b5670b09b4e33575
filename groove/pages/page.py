"""The shell of a page: title, tabs, stylesheet and scripts in one file that needs no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groove.pages.charts import chart_library
from groove.pages.templates import asset, render
from groove.utils.errors import GrooveError
from groove.utils.io import write_atomically
from groove.utils.paths import writing


@dataclass(frozen=True)
class Tab:
    """A tab of a page.

    Attributes:
      name: letters, digits and dashes; PAGE#name opens the page at this tab.
      title: on the tab.
      body: Markup, from `groove.pages.parts` and `groove.pages.charts`.
    """

    name: str
    title: str
    body: Any


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
      title: of the page.
      lead: one sentence under the title.
      tabs: at least one; a page of one tab shows no list of tabs.
      styles: names of further stylesheets in `groove/pages/assets/`.
      scripts: names of further scripts in `groove/pages/assets/`; they run after page.js.
      footer: text at the end.
    """

    title: str
    lead: str
    tabs: Sequence[Tab]
    styles: Sequence[str] = ()
    scripts: Sequence[str] = ()
    footer: str = ""


def render_page(page: Page) -> str:
    """Return the HTML of a page, with all that it needs; the chart library is included if a chart is.

    Raises:
      MissingExtraError: if the packages of the extra `report` are not installed.
    """
    names = [tab.name for tab in page.tabs]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a page needs tabs with different names, got {names}.")
    charts = any('class="plot"' in tab.body for tab in page.tabs)
    return render(
        "page.html",
        page=page,
        styles=[asset(name) for name in ("page.css", *page.styles)],
        library=chart_library() if charts else "",
        scripts=[asset(name) for name in ("page.js", *page.scripts)],
    )


def write_page(path: Path, html: str, most_bytes: int | None = None, remedy: str = "show less on it") -> None:
    """Write a page, all or nothing; an existing file is replaced.

    Args:
      path: the file.
      html: the page.
      most_bytes: the largest size; None for no bound.
      remedy: what a user can do if the page is larger.

    Raises:
      GrooveError: if the page is larger, or cannot be written.
    """
    content = html.encode("utf-8")
    if most_bytes is not None and len(content) > most_bytes:
        raise GrooveError(
            f"{path} would have {len(content) / 1e6:.1f} MB, more than {most_bytes / 1e6:.0f} MB: {remedy}."
        )
    with writing(path, "Choose another place for the page."):
        write_atomically(path, content)
