"""Interactive charts: Altair specifications that the page draws as SVG, by a library that lies in the page itself.

A chart is drawn when it comes into view, so that hidden tabs and closed details cost nothing. Its description is the
label that screen readers read.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groove.pages.line_specification import Shape, line_specification
from groove.pages.palette import COLOURS, INK, import_altair
from groove.pages.templates import render
from groove.utils.errors import missing_extra
from groove.utils.io import to_json

if TYPE_CHECKING:
    from altair import TopLevelMixin
    from markupsafe import Markup

_GRID = "#E4E4E4"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
HEIGHT = 240  # pixels
_NARROWEST = 330  # pixels of a chart on a phone
_READY = 'window.vegaEmbed = vegaEmbed; window.dispatchEvent(new Event("charts-ready"));'  # page.js waits for it
ZOOM = "Shift and the wheel zoom, Shift and dragging move, a double click resets; a click on the legend picks a line."


def embed(
    chart: "TopLevelMixin | Mapping[str, Any]",
    description: str,
    *,
    data: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    caption: Any = "",
) -> "Markup":
    """Return an Altair chart as a figure of a page, as wide as its column.

    Large tables go into `data`, because Altair checks every value of a chart that holds them.

    Args:
      chart: an Altair chart, or a Vega-Lite specification. Charts that read `alt.NamedData(NAME)` find the rows in
        `data[NAME]`. Use `width="container"`.
      description: what the chart shows, in a sentence; the label for screen readers.
      data: name -> rows, NaN and infinity become null.
      caption: text or Markup below the chart; none if empty.

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    import_altair()
    spec = dict(chart) if isinstance(chart, Mapping) else chart.to_dict()
    spec["config"] = _theme() | spec.get("config", {})
    spec["description"] = description
    spec["datasets"] = spec.get("datasets", {}) | {name: to_json(list(rows)) for name, rows in (data or {}).items()}
    spec.setdefault("autosize", {"type": "fit-x", "contains": "padding", "resize": True})
    return render("chart.html", spec=script_json(spec), caption=caption, height=spec.get("height", HEIGHT))


def line_chart(
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    description: str,
    x: str,
    y: str,
    series: Sequence[str],
    colours: Mapping[str, str] | None = None,
    log: bool = False,
    zero: bool = False,
    reference: Mapping[str, float] | None = None,
    points: bool = False,
    n_of: str = "",
    band: str = "interval",
    height: int = HEIGHT,
    caption: Any = "",
) -> "Markup":
    """Return curves with a tooltip, and a band around each curve whose rows have the ends of an interval.

    Args:
      rows: x, y, series, and optionally low and high (the ends of the band) and n.
      title: of the chart.
      description: what the chart shows, in a sentence.
      x: title of the horizontal axis.
      y: title of the vertical axis.
      series: names of the curves, in the order of the legend.
      colours: name -> colour; by default COLOURS in turn, with DASHES.
      log: whether the vertical axis is logarithmic.
      zero: whether the vertical axis begins at 0.
      reference: label -> height of horizontal lines to compare with.
      points: whether every value is marked.
      n_of: what n counts, for the tooltip, as in "levels".
      band: what low and high are the ends of, for the tooltip.
      height: pixels.
      caption: text or Markup below the chart.

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    names = list(series)
    shape = Shape(
        curves=len(names),
        banded=any(row.get("low") is not None for row in rows),
        counted=any(row.get("n") is not None for row in rows),
        referenced=bool(reference),
        points=points,
        log=log,
        zero=zero,
        height=height,
    )
    texts = {"title": title, "x": x, "y": y, "n": f"n {n_of}".strip(), "low": f"{band} from", "high": f"{band} to"}
    for i, name in enumerate(names):
        texts |= {f"name {i}": name, f"colour {i}": (colours or {}).get(name, COLOURS[i % len(COLOURS)])}
    widest = 50 + 7 * max(map(len, names), default=0)  # pixels of an entry of the legend
    texts["columns"] = str(max(1, _NARROWEST // widest))
    lines = [{"y": at, "label": label} for label, at in (reference or {}).items()]
    data = {"rows": rows} | ({"references": lines} if lines else {})
    return embed(_filled(line_specification(shape), texts), description, data=data, caption=caption)


def chart_library() -> str:
    """Return the JavaScript of Vega, Vega-Lite and Vega-Embed, for one script element of a page.

    Raises:
      MissingExtraError: if vl-convert-python is not installed.
    """
    alt = import_altair()
    return _library(".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2]))


def script_json(value: Any) -> "Markup":
    """Return a value as JSON that can stand in a script element: no text in it can end the element."""
    from markupsafe import Markup

    text = json.dumps(to_json(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


@functools.cache
def _library(version: str) -> str:
    try:
        import vl_convert
    except ImportError as error:
        raise missing_extra("vl-convert-python", "report") from error
    bundle: str = vl_convert.javascript_bundle(_READY, vl_version=version)
    return bundle.replace("</script", "<\\/script")


def _filled(specification: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a specification with texts instead of the marks "@NAME"."""
    for name, text in texts.items():
        specification = specification.replace(json.dumps(f"@{name}"), json.dumps(text))
    filled: dict[str, Any] = json.loads(specification)
    return filled


def _theme() -> dict[str, Any]:
    axis = {"labelColor": INK, "titleColor": INK, "gridColor": _GRID, "domainColor": "#767676", "labelFontSize": 11}
    return {
        "font": _FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis | {"titleFontWeight": "normal", "titleFontSize": 12, "labelOverlap": True},
        "legend": {"labelColor": INK, "labelFontSize": 12, "symbolSize": 180, "symbolStrokeWidth": 2.5},
        "title": {"anchor": "start", "color": INK, "fontSize": 14, "fontWeight": 600, "offset": 8},
        "range": {"category": list(COLOURS)},
    }
