"""The fields and types of JSON objects, checked by pydantic."""

from collections.abc import Iterable, Mapping
from typing import Any

from groove.utils.errors import nearest


def complaint(model: Any, values: Any, names: Iterable[str] = ()) -> str:
    """Return what is first wrong with a JSON object; empty if nothing is. No value is converted to another type.

    Args:
      model: a pydantic model.
      values: the object.
      names: of fields, among which the nearest to an unknown one is named.
    """
    import pydantic  # slow to import

    if not isinstance(values, Mapping):
        return "holds no table"
    try:
        model.model_validate(values, strict=True)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        place = place if len(place) <= 80 else place[:77] + "..."
        if first["type"] == "missing":
            return f"without {place}"
        if first["type"] == "extra_forbidden":
            return f"{place} is no field{nearest(str(first['loc'][-1])[:80], names)}"
        return f"{place}: {first['msg']}" if place else first["msg"]
    return ""
