"""Releases the best of several runs: python launch/release.py --name groove --runs runs/A,runs/B,runs/C."""

import sys
from pathlib import Path

from absl import app, flags

from groove.evaluation.release import release

_NAME = flags.DEFINE_string("name", None, "Of the released rule.", required=True)
_RUNS = flags.DEFINE_list("runs", [], "Finished runs that differ in their seeds; the best by meta-validation is taken.")
_TO = flags.DEFINE_string("to", "groove/weights", "The folder of released rules.")
_RESULTS = flags.DEFINE_string("results", "docs/results", "The store of results for the card's tables.")
_SUITES = flags.DEFINE_list("suites", ["gridworld", "minatar"], "A table each.")
_RULES = flags.DEFINE_list("rules", ["groove", "lpg", "a2c", "random"], "Shown side by side.")
_EARLIER = flags.DEFINE_bool("earlier", False, "Take the rule at its best meta-validation instead of the last one.")
_BY = flags.DEFINE_list("by", [], "The suite development, or tasks of it, to choose the seed by; else meta-validation.")
_NOTES = flags.DEFINE_string("notes", "", "A Markdown file that ends the card: known failures.")


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    try:
        notes = Path(_NOTES.value).read_text("utf-8") if _NOTES.value else ""
        path = release(
            _NAME.value,
            _RUNS.value,
            _TO.value,
            _RESULTS.value,
            _SUITES.value,
            _RULES.value,
            notes,
            _EARLIER.value,
            _BY.value,
        )
    except (ValueError, OSError) as error:
        print(f"groove: {error}", file=sys.stderr)
        return 2
    print(f"{path} and its card, {path.with_suffix('.md')}")
    return 0


if __name__ == "__main__":
    app.run(main)
