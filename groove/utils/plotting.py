"""Pictures: the project's colours, and saving a figure all or nothing."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from groove.utils.io import write_atomically

BLUE, ORANGE, GREY, INK = (
    "#0072B2",
    "#D55E00",
    "#8C8C8C",
    "#333333",
)  # Okabe and Ito: safe for the colour-blind


def save_picture(figure: Figure, path: Path) -> None:
    """Writes a figure as what its suffix says, .png or .pdf, all or nothing."""
    picture = io.BytesIO()
    undated = {"CreationDate": None} if path.suffix == ".pdf" else None  # the same picture is the same file
    figure.savefig(picture, format=path.suffix[1:], metadata=undated)
    write_atomically(path, picture.getvalue())
