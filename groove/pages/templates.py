"""Jinja2 templates and the files beside them, all of them data of the package.

Templates lie in `groove/pages/templates/`, stylesheets and scripts in `groove/pages/assets/`. Values are escaped unless
they are Markup, which `render` returns; a name that a template does not know is an error.
"""

import functools
import importlib.resources
from typing import TYPE_CHECKING, Any

from groove.utils.errors import missing_extra

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(name: str, **values: Any) -> "Markup":
    """Return the HTML of a template.

    Args:
      name: the file in `groove/pages/templates/`, as in "table.html".
      **values: what the template reads; texts are escaped, Markup is not.

    Raises:
      MissingExtraError: if Jinja2 is not installed.
    """
    from markupsafe import Markup

    return Markup(environment().get_template(name).render(**values))


def markup(html: str) -> "Markup":
    """Return HTML that was made by this program as Markup, which is not escaped; never what a user gave."""
    environment()  # first, because markupsafe comes with Jinja2
    from markupsafe import Markup

    return Markup(html)


def asset(name: str) -> "Markup":
    """Return a stylesheet or a script of `groove/pages/assets/`, to be put into a page as it is."""
    text = importlib.resources.files("groove.pages").joinpath("assets", name).read_text(encoding="utf-8")
    return markup(text)


@functools.cache
def environment() -> "Environment":
    """Return the environment of the templates.

    Raises:
      MissingExtraError: if Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise missing_extra("Jinja2", "report") from error
    return Environment(
        loader=PackageLoader("groove.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
