"""The Vega-Lite specification of a chart of curves, made by Altair once for all charts of one shape.

Altair checks and copies what it is given at every step, which takes longer than everything else on a page of many
charts. Texts are therefore marks, such as "@title", that `groove.pages.charts.line_chart` fills in.
"""

import functools
import json
from typing import Any, NamedTuple

from groove.pages.palette import DASHES, INK, import_altair

_ROOM = 16  # pixels above the highest line, for the label of a line to compare with


class Shape(NamedTuple):
    """The features of a chart of curves that decide about its layers.

    Attributes:
      curves: number of curves.
      banded: whether rows have low and high.
      counted: whether rows have n.
      referenced: whether there are horizontal lines to compare with.
      points: whether every value is marked.
      log: whether the vertical axis is logarithmic.
      zero: whether the vertical axis begins at 0.
      height: pixels.
    """

    curves: int
    banded: bool
    counted: bool
    referenced: bool
    points: bool
    log: bool
    zero: bool
    height: int


@functools.cache
def line_specification(shape: Shape) -> str:
    """Return the specification of a chart of curves as JSON.

    The data sets "rows" and "references" and these marks are to be filled in: @title, @x, @y, @n, @low, @high, @columns
    (the expression for the columns of the legend), and for each curve i "@name i" and "@colour i".

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    alt = import_altair()
    scale = alt.Scale(type="log") if shape.log else alt.Scale(zero=shape.zero, nice=True)
    if shape.referenced:
        scale.padding = _ROOM
    y = alt.Y("y:Q", title="@y", scale=scale, axis=alt.Axis(tickCount=5))
    chosen = alt.selection_point(fields=["series"], bind="legend", name="chosen")
    colour, dash = _by_curve(shape)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("x:Q", title="@x", axis=alt.Axis(tickCount=6, grid=False), scale=alt.Scale(nice=False)),
        color=colour,
        opacity=_opacity(chosen, 1.0),
    )
    layers = _bands(base, shape, scale, chosen) if shape.banded else []
    if shape.referenced:
        layers.append(_reference_lines(scale))
    layers.append(base.mark_line(strokeWidth=2, clip=True, point=shape.points).encode(y=y, strokeDash=dash))
    near = alt.selection_point(on="pointerover", nearest=True, clear="pointerout", empty=False, name="near")
    dots = base.mark_point(size=70, filled=True, clip=True).encode(
        y=y, opacity=alt.condition(near, alt.value(1.0), alt.value(0.0)), tooltip=_tooltips(shape)
    )
    layers.append(dots.add_params(near))
    chart = alt.layer(*layers).add_params(chosen, _zoom())
    return json.dumps(chart.properties(width="container", height=shape.height, title="@title").to_dict())


def _by_curve(shape: Shape) -> tuple[Any, Any]:
    """Return the encodings of curves by colour and by dashes, in one legend if there are several."""
    alt = import_altair()
    names = [f"@name {i}" for i in range(shape.curves)]
    legend = None
    if shape.curves > 1:
        columns = alt.ExprRef("@columns")
        legend = alt.Legend(
            title=None, orient="top", columns=columns, symbolType="stroke", symbolOpacity=1, labelLimit=260
        )
    colours = [f"@colour {i}" for i in range(shape.curves)]
    dashes = [list(DASHES[i % len(DASHES)]) for i in range(shape.curves)]
    return (
        alt.Color("series:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
    )


def _bands(base: Any, shape: Shape, scale: Any, chosen: Any) -> list[Any]:
    """Return the layers from low to high: an area, and bars if every value is marked."""
    alt = import_altair()
    known = base.transform_filter("isValid(datum.low)")
    ends = {"y": alt.Y("low:Q", title="@y", scale=scale), "y2": "high:Q"}
    layers = [known.mark_area(clip=True).encode(**ends, opacity=_opacity(chosen, 0.18))]
    if shape.points:
        layers.append(known.mark_rule(clip=True, strokeWidth=1.5).encode(**ends))
    return layers


def _opacity(chosen: Any, value: float) -> Any:
    alt = import_altair()
    return alt.condition(chosen, alt.value(value), alt.value(0.15 * value))


def _tooltips(shape: Shape) -> list[Any]:
    alt = import_altair()
    tips = [alt.Tooltip("series:N", title="curve"), alt.Tooltip("x:Q", title="@x", format=",")]
    shown = ["y", "low", "high"] if shape.banded else ["y"]
    tips += [alt.Tooltip(f"{field}:Q", title=f"@{field}", format=".3~g") for field in shown]
    return [*tips, alt.Tooltip("n:Q", title="@n", format=",")] if shape.counted else tips


def _zoom() -> Any:
    """Return the selection that zooms and moves the horizontal axis while Shift is held, so that pages scroll."""
    return import_altair().selection_interval(
        bind="scales",
        encodings=["x"],
        name="zoomed",
        zoom="wheel![event.shiftKey]",
        translate="[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!",
    )


def _reference_lines(scale: Any) -> Any:
    alt = import_altair()
    lines = alt.Chart(alt.NamedData("references")).encode(y=alt.Y("y:Q", title="@y", scale=scale))
    text = lines.mark_text(align="left", baseline="bottom", dx=4, dy=-2, color=INK, fontSize=11, clip=False)
    return lines.mark_rule(color=INK, strokeDash=[4, 3]) + text.encode(x=alt.value(0), text="label:N")
