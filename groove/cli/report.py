"""The program report: writes the report of runs as one HTML page."""

from groove.cli._main import FlagSet, Program

_FLAGS = FlagSet()
_TO = _FLAGS.string(
    "to", None, "The file to write (.html). Without this flag: report.html in the directory of the run, if it is one."
)
_SECONDS = _FLAGS.number(
    "seconds",
    10.0,
    "Wall-clock time in seconds to train new agents on the levels of the runs, compilation included, to show how they "
    "act; 0 for no agents.",
    least=0,
)
_LEVELS = _FLAGS.integer(
    "levels", 12, "Number of levels of each run, those with the highest scores; 0 for none.", least=0, most=100
)
_FORCE = _FLAGS.boolean(
    "force", False, "Replace the file that --to names, if it exists. A run's own report.html is always replaced."
)


def run(*runs: str) -> None:
    """Run the program."""
    from groove.training.report.report import report

    path = report(runs, to=_TO.value, seconds=_SECONDS.value, levels=_LEVELS.value, force=_FORCE.value)
    print(f"report in {path}")


PROGRAM = Program(
    summary="Write the report of a run, or of several side by side, as one HTML page.",
    example="runs/RUN",
    flags=_FLAGS,
    run=run,
    arguments={"run": "a run directory; give several to see them side by side"},
    more=True,
)
