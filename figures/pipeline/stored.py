"""Files that the programs of `figures/` read and write, checked before any work starts."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groove.evaluation.results import Cell, Results
from groove.utils.errors import ConfigError, GrooveError
from groove.utils.io import read_json, write_atomically
from groove.utils.paths import check_folder, user_path


def folder(flag: str, value: str) -> Path:
    """Return the folder that a flag names, which need not exist.

    Raises:
      ConfigError: if the path cannot be a folder.
    """
    if not value:
        raise ConfigError(f"--{flag} = : the empty path is not a folder.")
    path = user_path(value)
    occupied = [p for p in (path, *path.parents) if p.exists() and not p.is_dir()]
    if occupied:
        raise ConfigError(f"--{flag} = {value}: {occupied[0]} is not a folder.")
    check_folder(path, f"--{flag}")
    return path


def stem(flag: str, value: str) -> Path:
    """Return the path of a picture without its suffix, which a flag names, such as docs/comparison.

    Raises:
      ConfigError: if the picture could not be written there.
    """
    path = Path(value)
    if not path.name or path.suffix in (".png", ".pdf", ".json", ".md"):
        raise ConfigError(f"--{flag} = {value}: give the name of the picture, without its suffix.")
    folder(flag, str(path.parent))
    return user_path(value, f"--{flag}")


def stored_cells(results: Path, budget: str) -> list[Cell]:
    """Return the meta-test results of one budget.

    Raises:
      ConfigError: if the folder holds none.
    """
    cells = [cell for cell in Results(results).cells() if cell.budget == budget]
    if not cells:
        raise ConfigError(f"--results = {results}: the folder holds no results of budget {budget}.")
    return cells


def stored_or_measured(path: Path, draw_only: bool, measure: Callable[[], Any]) -> Any:
    """Return the numbers of a picture: with `draw_only` the stored ones, otherwise new ones, which are stored.

    Args:
      path: the picture without its suffix; the numbers lie beside it as .json.
      draw_only: whether to read the stored numbers.
      measure: returns new numbers, JSON-able.

    Raises:
      ConfigError: if stored numbers are asked for and missing.
    """
    file = path.with_name(path.name + ".json")
    if draw_only:
        return read_json(file, "leave out --draw_only")
    numbers = measure()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, (json.dumps(numbers) + "\n").encode())
    return numbers


@contextmanager
def drawing(path: Path, draw_only: bool) -> Iterator[None]:
    """Refuse stored numbers of another picture, if drawing them fails inside.

    Args:
      path: the picture without its suffix.
      draw_only: whether the numbers were stored; an error is a bug otherwise.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if not draw_only or isinstance(error, GrooveError):
            raise
        raise ConfigError(f"{path}.json does not hold the numbers of this picture; leave out --draw_only.") from error
