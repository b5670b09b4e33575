"""A Sphinx extension: the comment behind a field of a class becomes the field's documentation.

The code writes shapes and units behind the fields of data classes and named tuples::

    reward: Array  # f32 [T, W]

Autodoc does not read such comments. This extension appends them to the docstring of the class as a list.
"""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from typing import Any

from sphinx.domains.python import PyObject


def field_comments(cls: type) -> dict[str, str]:
    """Return the comment behind each annotated field of a class, for fields that have one."""
    source = textwrap.dedent(inspect.getsource(cls))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    by_line = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.ClassDef)
    fields = [node for node in definition.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {ast.unparse(node.target): by_line[node.end_lineno] for node in fields if node.end_lineno in by_line}


def _append_comments(app: Any, what: str, name: str, member: Any, options: Any, lines: list[str]) -> None:
    """Append a list of fields to a class docstring that has none of its own."""
    if what != "class" or any(line.startswith(":ivar") for line in lines):
        return
    try:
        comments = field_comments(member)
    except (OSError, TypeError):  # the class has no source of its own, as `Callable[...]` aliases
        return
    if comments:
        lines.append("")
    for field, text in comments.items():
        literal = re.sub(r"([*|`_\\])", r"\\\1", text)  # comments are plain text, docstrings are markup
        lines.append(f":ivar {field}: {literal}")


def setup(app: Any) -> dict[str, bool]:
    """Register the extension after napoleon, which turns "Attributes:" into `:ivar` lines."""
    app.setup_extension("sphinx.ext.napoleon")
    variables = next(field for field in PyObject.doc_field_types if field.name == "variable")
    variables.label = "Fields"
    app.connect("autodoc-process-docstring", _append_comments, priority=800)
    return {"parallel_read_safe": True}
