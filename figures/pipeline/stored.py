"""Files that the programs of `figures/` read and write, checked before any work starts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groove.evaluation.results import Cell, Results
from groove.utils.errors import ConfigError
from groove.utils.io import one_line, write_atomically


def folder(flag: str, value: str) -> Path:
    """Return the folder that a flag names, which need not exist.

    Raises:
      ConfigError: if the path cannot be a folder.
    """
    path = Path(value)
    occupied = [p for p in (path, *path.parents) if p.exists() and not p.is_dir()]
    if not value or occupied:
        raise ConfigError(f"--{flag} = {value}: {occupied[0] if occupied else 'the empty path'} is not a folder.")
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
    return path


def stored_cells(results: Path, budget: str) -> list[Cell]:
    """Return the meta-test results of one budget.

    Raises:
      ConfigError: if the folder holds none.
    """
    cells = [cell for cell in Results(results).cells() if cell.budget == budget]
    if not cells:
        raise ConfigError(f"--results = {results}: the folder holds no results of budget {budget}.")
    return cells


def read_json(path: Path, remedy: str) -> Any:
    """Return the content of a JSON file.

    Args:
      path: the file.
      remedy: what a user can do if the file is missing or damaged.

    Raises:
      ConfigError: if the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; {remedy}.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({one_line(error)}); {remedy}.") from None


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
