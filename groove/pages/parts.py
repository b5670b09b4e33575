"""Parts of a page: lists of facts, tables that can be sorted, pictures, and paragraphs."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groove.pages.measures import Measured
from groove.pages.templates import render

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
      title: its header.
      numeric: whether cells are aligned to the right.
      about: what the column means, shown when the pointer rests on the header; none if empty.
    """

    title: str
    numeric: bool = False
    about: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
      content: text, Markup, or a Measured, which is shown with its interval and n.
      order: what the table is sorted by, a number or a text; None for the content itself.
    """

    content: Any
    order: float | str | None = None

    @property
    def key(self) -> str:
        """The text that the script of the page sorts by."""
        order = self.content if self.order is None else self.order
        if isinstance(order, Measured):
            order = order.value
        return "" if isinstance(order, float) and not math.isfinite(order) else str(order)

    @property
    def measured(self) -> bool:
        """Whether the content has an interval and n to show."""
        return isinstance(self.content, Measured)


def table(caption: str, columns: Sequence[Column | str], rows: Iterable[Sequence[Any]]) -> "Markup":
    """Return a table; a click on a header, or Enter, sorts its rows.

    The first cell of a row is its header. On a narrow screen the table scrolls sideways in its own frame.

    Args:
      caption: what the table shows, read out by screen readers and shown above.
      columns: columns, or the titles of columns of text.
      rows: the cells of each row: Cell, or the content of one.
    """
    heads = [Column(column) if isinstance(column, str) else column for column in columns]
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    return render("table.html", caption=caption, columns=heads, rows=cells)


def facts(pairs: Mapping[str, Any]) -> "Markup":
    """Return a list of terms with their values: texts, Markup, or Measured."""
    return render("facts.html", pairs=pairs)


def headlines(numbers: Mapping[str, Measured | str]) -> "Markup":
    """Return the headlines of a page: large numbers over their interval and n, and their labels."""
    return render("headlines.html", numbers=numbers)


def picture(image: bytes, alt: str, *, kind: str = "png", caption: str = "") -> "Markup":
    """Return a picture that lies in the page itself.

    Args:
      image: the file.
      alt: what the picture shows, for people who do not see it.
      kind: of the file: png, gif, webp or svg+xml.
      caption: text below the picture; none if empty.
    """
    data = base64.b64encode(image).decode()
    return render("picture.html", source=f"data:image/{kind};base64,{data}", alt=alt, caption=caption)


def section(title: str, *parts: Any, about: str = "") -> "Markup":
    """Return parts under a heading, with a sentence or two that say how to read them."""
    return render("section.html", title=title, about=about, parts=parts)


def grid(parts: Sequence[Any]) -> "Markup":
    """Return parts side by side, as many in a row as the screen has room for; empty parts are left out."""
    return render("grid.html", parts=[part for part in parts if part])


def closed(title: str, part: Any) -> "Markup":
    """Return a part that is hidden until somebody opens it."""
    return render("closed.html", title=title, part=part)
