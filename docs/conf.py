"""Configuration of the docs site: sphinx-build -W --keep-going docs docs/_build/html."""

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# the released rules and what they are compared with; the variants of PPO in the store were for its tuning
LEADERBOARD = ("groove", "lpg", "paper-groove", "paper-lpg", "ta-lpg", "a2c", "ppo", "random")
HELD_OUT = ("gridworld", "minatar", "classic", "bsuite")  # on which the released rule was tested completely
sys.path[:0] = [str(ROOT), str(ROOT / "docs/_extensions")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")  # imports and doctests need no accelerator
os.environ.setdefault("GROOVE_NOTEBOOK_SCALE", "smoke")

project = "GROOVE"
author = "The GROOVE authors"
copyright = author
release = version = installed_version("groove-rl")

extensions = [
    "myst_nb",  # Markdown pages, and notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "field_comments",
]
exclude_patterns = ["_build", "cards", "comparison.md", "results"]
templates_path = ["_templates"]
default_role = "code"  # docstrings write names in single backquotes

html_theme = "furo"
html_title = f"GROOVE {version}"
html_show_copyright = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "cache"  # a notebook runs when it changed; a failing one is a warning, hence an error
nb_execution_in_temp = True  # runs of notebooks leave nothing in the checkout
nb_execution_timeout = 900
nb_execution_raise_on_error = True

autosummary_generate = True
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # "Attributes:" become a list, and no second entry for each field
napoleon_use_rtype = False
add_module_names = False
toc_object_entries_show_parents = "hide"


def _remove_stale_pages() -> None:
    """Delete the generated page of each module that is gone: autosummary would try to import it."""
    for page in (ROOT / "docs/api/generated").glob("groove.*.*.rst"):
        module = ROOT.joinpath(*page.stem.split("."))
        if not module.is_dir() and not module.with_suffix(".py").is_file():
            page.unlink()


def _skip(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, which the signature lists with their types."""
    return True if (getattr(member, "__doc__", None) or "").startswith("Alias for field number") else None


def _build_leaderboard(app: Any, error: Exception | None) -> None:
    """Put the leaderboard of the stored results beside the pages."""
    if error is None and app.builder.name == "html":
        from groove.evaluation.leaderboard.site.build import build_leaderboard

        build_leaderboard(
            ROOT / "docs/results/released", Path(app.outdir) / "leaderboard", rules=LEADERBOARD, suites=HELD_OUT
        )


def setup(app: Any) -> None:
    """Clean up, register the rule for skipped members, and build the leaderboard at the end."""
    _remove_stale_pages()
    app.connect("build-finished", _build_leaderboard)
    app.connect("autodoc-skip-member", _skip)
