"""The JSON of a run: config.json, summary.json, validation.json, and the values beside the arrays of a checkpoint.

Every kind has one schema, by which it is checked when it is read.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groove.utils.errors import ConfigError
from groove.utils.io import read_json
from groove.utils.schema import complaint

_TEXTS = ("stopped", "first_rule", "run_dir")  # of a summary; everything else in it is a number


def read_table(path: Path, remedy: str) -> dict[str, Any]:
    """Return the content of summary.json or validation.json.

    Args:
      path: the file, whose name decides what it has to hold.
      remedy: what a user can do if the file is damaged.

    Raises:
      ConfigError: if the file is missing, cannot be read, or holds something else.
    """
    content: dict[str, Any] = read_json(path, remedy)
    if reason := complaint_about(path.stem, content):
        raise ConfigError(f"{path} cannot be used ({reason}); {remedy}.")
    return content


def check_host(path: Path, host: Any) -> None:
    """Check the values that a checkpoint holds beside its arrays.

    Args:
      path: of the checkpoint.
      host: the values.

    Raises:
      ConfigError: if the values are not of the kind that runs write.
    """
    if reason := complaint_about("host", host):
        raise ConfigError(
            f"{path} was altered ({reason}): rename it, so that --resume goes on from the checkpoint before it."
        )


def complaint_about(kind: str, content: Any) -> str:
    """Return what is first wrong with the content of a file; empty if nothing is.

    Args:
      kind: "config", "summary", "validation" or "host", the values of a checkpoint.
      content: JSON values.
    """
    return complaint(_schemas()[kind], content)


@functools.cache
def _schemas() -> Mapping[str, Any]:
    import pydantic  # slow to import

    number = float | int
    numbers = dict[str, number | None]  # JSON has no NaN
    start: Any = {
        "time": (str, ""),
        "command": (list[str], []),
        "versions": (dict[str, str | None], {}),
        "git": (dict[str, Any] | None, None),
        "device": (dict[str, str | int] | None, None),
    }
    starts: Any = list[pydantic.create_model("Start", **start)]  # type: ignore[misc]
    config: Any = {"config": (dict[str, Any], ...), "starts": (starts, ...)}  # settings have checks of their own
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
        "config": pydantic.create_model("Config", **config),
        "validation": pydantic.create_model("Validation", **validation),
        "summary": pydantic.create_model("Summary", __base__=Metrics, **summary),
        "host": pydantic.create_model("Host", **host),
    }
