"""The program anchors: makes the returns that score 1 on the leaderboard."""

from groove.cli._main import FlagSet, Program

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "results", "Folder of stored results, for tasks without a solver.")
_SUITE = _FLAGS.names(
    "suite", [], "Suites or single tasks, separated by commas. Without this flag: all but development."
)
_TO = _FLAGS.string("to", None, "File of anchors (JSON); its anchors of other tasks stay as they are.", required=True)


def run() -> None:
    """Run the program."""
    from groove.evaluation.progression.measure import make_anchors

    for anchor in make_anchors(_RESULTS.value, _TO.value, _SUITE.value):
        print(f"{anchor.task}: {anchor.best:g}, {anchor.kind}: {anchor.source}")


PROGRAM = Program(
    summary="Make the anchors of progression scores: the return of each task that scores 1.",
    example="--results docs/results/released --to anchors.json",
    flags=_FLAGS,
    run=run,
)
