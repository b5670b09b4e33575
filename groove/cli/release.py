"""The program release: releases the best of several runs."""

from groove.cli._main import FlagSet, Program
from groove.utils.errors import ConfigError
from groove.utils.io import one_line
from groove.utils.paths import rejoin_paths, user_path

_FLAGS = FlagSet()
_NAME = _FLAGS.string("name", None, "Name of the released rule.", required=True)
_RUNS = _FLAGS.names(
    "runs",
    [],
    "Finished runs that differ in their seeds, separated by commas; the best one is released. A rule file stands for a "
    "run whose directory is gone.",
)
_TO = _FLAGS.string(
    "to", None, "Folder of released rules; those that come with the package are in groove/weights.", required=True
)
_RESULTS = _FLAGS.string("results", "docs/results", "Folder of stored results, from which the card's tables come.")
_SUITES = _FLAGS.names("suites", ["gridworld", "minatar"], "Suites, separated by commas; one table each.")
_RULES = _FLAGS.names(
    "rules",
    ["groove", "lpg", "a2c", "random"],
    "Rules side by side in the tables, separated by commas, by the names under which they were tested.",
)
_EARLIER = _FLAGS.boolean(
    "earlier", False, "Release the rule at the run's best meta-validation instead of its last rule."
)
_BY = _FLAGS.names(
    "by",
    [],
    "The suite development, or tasks of it, separated by commas, whose results give the scores. Without this flag: "
    "meta-validation gives them.",
)
_FORCE = _FLAGS.boolean("force", False, "Replace a rule that has been released under this name.")
_NOTES = _FLAGS.string("notes", "", "A Markdown file that ends the card, for example with known failures.")


def run() -> None:
    """Run the program."""
    from groove.evaluation.releases.release import release

    path = release(
        _NAME.value,
        rejoin_paths(_RUNS.value),
        to=_TO.value,
        results=_RESULTS.value,
        suites=_SUITES.value,
        rules=_RULES.value,
        notes=_notes(_NOTES.value),
        earlier=_EARLIER.value,
        by=_BY.value,
        replace=_FORCE.value,
    )
    print(f"{path} and its card, {path.with_suffix('.md')}")


def _notes(path: str) -> str:
    if not path:
        return ""
    try:
        return user_path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {one_line(error)}; give --notes a Markdown file.") from error


PROGRAM = Program(
    summary="Release the best of several runs: its rule and a model card.",
    example="--name mine --runs runs/A,runs/B,runs/C --to released",
    flags=_FLAGS,
    run=run,
)
