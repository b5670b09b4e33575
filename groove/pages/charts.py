"""Interactive charts: Altair specifications that the page draws as SVG, by a library that lies in the page itself.

A chart is drawn when it comes into view, so that hidden tabs and closed details cost nothing. Its description is the
label that screen readers read.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groove.pages.templates import render
from groove.utils.errors import missing_extra
from groove.utils.io import to_json

if TYPE_CHECKING:
    from altair import TopLevelMixin
    from markupsafe import Markup

# Okabe and Ito's colours that stand out from white by 3:1, the darkest first
COLOURS = ("#0072B2", "#D55E00", "#00805D", "#B0508A", "#6A4C93", "#5B5B5B", "#8A6100", "#2E8BC0")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
_INK, _GRID = "#333333", "#E4E4E4"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
HEIGHT = 240  # pixels
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
    height: int = HEIGHT,
    caption: Any = "",
) -> "Markup":
    """Return curves with a tooltip, and a band around each curve whose rows have the ends of an interval.

    Args:
      rows: x, y, series, and optionally low and high (the interval) and n (text, shown in the tooltip).
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
      height: pixels.
      caption: text or Markup below the chart.

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    names = tuple(series)
    palette = tuple((colours or {}).get(name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(names))
    banded = any(row.get("low") is not None for row in rows)
    counted = any(row.get("n") is not None for row in rows)
    spec = _line_spec(x, y, names, palette, log, zero, bool(reference), points, banded, counted)
    data = {"rows": rows, "references": [{"y": at, "label": label} for label, at in (reference or {}).items()]}
    return embed({**spec, "title": title, "height": height}, description, data=data, caption=caption)


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


def import_altair() -> Any:
    """Return the module altair.

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    try:
        import altair
    except ImportError as error:
        raise missing_extra("Altair", "report") from error
    return altair


@functools.cache
def _library(version: str) -> str:
    try:
        import vl_convert
    except ImportError as error:
        raise missing_extra("vl-convert-python", "report") from error
    bundle: str = vl_convert.javascript_bundle(_READY, vl_version=version)
    return bundle.replace("</script", "<\\/script")


@functools.lru_cache(maxsize=64)  # Altair takes a tenth of a second, and pages have many charts of one kind
def _line_spec(
    x: str,
    y: str,
    names: tuple[str, ...],
    palette: tuple[str, ...],
    log: bool,
    zero: bool,
    referred: bool,
    points: bool,
    banded: bool,
    counted: bool,
) -> dict[str, Any]:
    """Return the specification of line charts that differ in their rows, title, height and references only."""
    alt = import_altair()
    columns = alt.ExprRef("width < 480 ? 1 : 4")
    legend = alt.Legend(title=None, orient="top", columns=columns, symbolType="stroke", symbolOpacity=1, labelLimit=260)
    legend = legend if names[1:] else None
    chosen = alt.selection_point(fields=["series"], bind="legend", name="chosen")
    zoomed = alt.selection_interval(
        bind="scales",
        encodings=["x"],
        name="zoomed",
        zoom="wheel![event.shiftKey]",
        translate="[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!",
    )
    colour = alt.Color("series:N", scale=alt.Scale(domain=list(names), range=list(palette)), legend=legend)
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(len(names))]
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=list(names), range=dashes), legend=legend)
    scale = alt.Scale(type="log") if log else alt.Scale(zero=zero, nice=True)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("x:Q", title=x, axis=alt.Axis(tickCount=6, grid=False), scale=alt.Scale(nice=False)),
        color=colour,
        opacity=alt.condition(chosen, alt.value(1.0), alt.value(0.15)),
    )
    y_axis = alt.Y("y:Q", title=y, scale=scale, axis=alt.Axis(tickCount=5))
    tips = [alt.Tooltip("series:N", title="curve"), alt.Tooltip("x:Q", title=x, format=","), _tip("y", y)]
    tips += [_tip("low", "interval from"), _tip("high", "to")] if banded else []
    tips += [alt.Tooltip("n:N", title="n")] if counted else []
    layers = []
    if banded:
        band = base.mark_area(opacity=0.18, clip=True).encode(
            y=alt.Y("low:Q", title=y, scale=scale),
            y2="high:Q",
            opacity=alt.condition(chosen, alt.value(0.18), alt.value(0.03)),
        )
        layers.append(band.transform_filter("isValid(datum.low)"))
    if referred:
        layers.append(_reference_lines(scale, y))
    layers.append(base.mark_line(strokeWidth=2, clip=True, point=points).encode(y=y_axis, strokeDash=dash))
    near = alt.selection_point(on="pointerover", nearest=True, clear="pointerout", empty=False, name="near")
    dots = base.mark_point(size=70, filled=True, clip=True).encode(
        y=y_axis, opacity=alt.condition(near, alt.value(1.0), alt.value(0.0)), tooltip=tips
    )
    layers.append(dots.add_params(near))
    spec: dict[str, Any] = alt.layer(*layers).add_params(chosen, zoomed).properties(width="container").to_dict()
    return spec


def _tip(field: str, title: str) -> Any:
    return import_altair().Tooltip(f"{field}:Q", title=title, format=".3~g")


def _reference_lines(scale: Any, y: str) -> Any:
    alt = import_altair()
    lines = alt.Chart(alt.NamedData("references")).encode(y=alt.Y("y:Q", title=y, scale=scale))
    text = lines.mark_text(align="left", baseline="bottom", dx=4, dy=-2, color=_INK, fontSize=11, clip=False)
    return lines.mark_rule(color=_INK, strokeDash=[4, 3]) + text.encode(x=alt.value(0), text="label:N")


def _theme() -> dict[str, Any]:
    axis = {"labelColor": _INK, "titleColor": _INK, "gridColor": _GRID, "domainColor": "#767676", "labelFontSize": 11}
    return {
        "font": _FONT,
        "background": "transparent",
        "view": {"stroke": None},
        "axis": axis | {"titleFontWeight": "normal", "titleFontSize": 12, "labelOverlap": True},
        "legend": {"labelColor": _INK, "labelFontSize": 12, "symbolSize": 180, "symbolStrokeWidth": 2.5},
        "title": {"anchor": "start", "color": _INK, "fontSize": 14, "fontWeight": 600, "offset": 8},
        "range": {"category": list(COLOURS)},
    }
