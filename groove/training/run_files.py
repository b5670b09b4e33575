"""The JSON that a run leaves beside its log: fields and types, checked by one schema each when they are read."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groove.training.run_dir import RunError
from groove.utils.io import read_json
from groove.utils.schema import complaint

_TEXTS = ("stopped", "first_rule", "run_dir")  # of a summary; everything else in it is a number


def read_validation(path: Path, remedy: str) -> Mapping[str, Any]:
    """Return the last meta-validation of a run: its step, score, metrics, and returns on every level.

    Args:
      path: validation.json; without the file, the result is empty.
      remedy: what a user can do if the file is damaged.

    Raises:
      GrooveError: if the file cannot be read, or holds something else.
    """
    return _read(path, "validation", remedy)


def read_summary(path: Path, remedy: str) -> Mapping[str, Any]:
    """Return the last value of every metric of a run; see `read_validation`.

    Args:
      path: summary.json; without the file, the result is empty.
      remedy: what a user can do if the file is damaged.

    Raises:
      GrooveError: if the file cannot be read, or holds something else.
    """
    return _read(path, "summary", remedy)


def check_host(path: Path, host: Any) -> None:
    """Check the values that a checkpoint holds beside its arrays.

    Args:
      path: of the checkpoint.
      host: the values.

    Raises:
      RunError: if they are others than those that this program writes.
    """
    if reason := complaint(_schemas()["host"], host):
        raise RunError(
            f"{path} was altered ({reason}): rename it, so that --resume goes on from the checkpoint before it."
        )


def _read(path: Path, name: str, remedy: str) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    content = read_json(path, remedy)
    if not isinstance(content, Mapping):
        raise RunError(f"{path} holds no table: {remedy}.")
    if reason := complaint(_schemas()[name], content):
        raise RunError(f"{path} cannot be used ({reason}): {remedy}.")
    return content


@functools.cache
def _schemas() -> Mapping[str, Any]:
    import pydantic  # slow to import

    number = float | int
    numbers = dict[str, number | None]  # JSON has no NaN
    validation: Any = {
        "step": (int, ...),
        "score": (number | None, None),  # absent in files of version 0.0
        "metrics": (numbers, {}),
        "returns": (dict[str, list[number]], {}),
    }
    summary: Any = {"step": (int, ...), "seconds": (number, ...), **{name: (str | None, None) for name in _TEXTS}}
    host: Any = {
        "seconds": (number, ...),
        "last": (numbers, ...),
        "best": (number | None, ...),
        "validated": (int | None, None),  # absent in checkpoints of version 0.1, as is config
        "config": (dict[str, Any], {}),
    }

    class Metrics(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        __pydantic_extra__: numbers = pydantic.Field(init=False)

    return {
        "validation": pydantic.create_model("Validation", **validation),
        "summary": pydantic.create_model("Summary", __base__=Metrics, **summary),
        "host": pydantic.create_model("Host", **host),
    }
