"""The colours and dashes of curves, and the import of Altair."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groove.utils.errors import missing_extra

# Okabe and Ito's colours, darkened until they stand out from white by 3:1 at least
COLOURS = ("#0072B2", "#D55E00", "#00805D", "#B0508A", "#6A4C93", "#5B5B5B", "#8A6100", "#2E8BC0")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (14, 3))  # five, so that 40 curves differ in one or the other
INK = "#333333"


def import_altair() -> Any:
    """Return the module altair.

    Raises:
      MissingExtraError: if Altair is not installed.
    """
    try:
        with _home_for_altair():
            import altair
    except ImportError as error:
        raise missing_extra("Altair", "report") from error
    return altair


@contextmanager
def _home_for_altair() -> Iterator[None]:
    """Name a home inside the block for users without one, as in some containers: Altair looks for it when imported."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
