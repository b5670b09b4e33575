"""The style that all pictures share: colours, new figures, axes, and files written all or nothing."""

import io
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groove.utils.io import write_atomically

# Okabe and Ito: distinguishable by people with colour blindness
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, ORANGE = PALETTE[:2]
GREY, INK, GRID = "#8C8C8C", "#333333", "#DDDDDD"  # secondary lines; text; grid lines


def new_figure(width: float, height: float, *, dpi: int = 120, pad: float | None = None) -> Figure:
    """Build an empty figure whose layout keeps texts and axes apart.

    Args:
      width: inches.
      height: inches.
      dpi: pixels per inch.
      pad: space around each axes, in inches; None for matplotlib's own.
    """
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    if pad is not None:
        figure.set_layout_engine("constrained", h_pad=pad, w_pad=pad)
    return figure


def dress(axes: Axes, title: str = "", *, title_size: float = 10, grid: Literal["x", "y"] | None = "y") -> None:
    """Give axes the project's title, frame, grid and tick labels.

    Args:
      axes: the axes.
      title: text above the axes, on the left; none if empty.
      title_size: points.
      grid: "x" or "y" for grid lines at the ticks of this axis, None for no grid.
    """
    if title:
        axes.set_title(title, loc="left", fontsize=title_size, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, .png or .pdf, all or nothing; equal pictures give equal files."""
    picture = io.BytesIO()
    undated = {"CreationDate": None} if path.suffix == ".pdf" else None
    figure.savefig(picture, format=path.suffix[1:], metadata=undated)
    write_atomically(path, picture.getvalue())
