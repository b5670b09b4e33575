"""The program compare: compares stored results of meta-tests."""

from groove.cli._main import FlagSet, Program

_FLAGS = FlagSet()
_RESULTS = _FLAGS.string("results", "results", "Folder of stored results.")
_BUDGET = _FLAGS.string("budget", "laptop", "Budget of the results: smoke, short, laptop, long or paper.")
_RULES = _FLAGS.names(
    "rules",
    [],
    "Rules in the order of the columns, separated by commas, by the names under which they were tested; only tasks "
    "that have results of all of them are compared. Without this flag: all.",
)
_RIVALS = _FLAGS.names(
    "rivals",
    [],
    "Rules for which the table gives the probability of being better, separated by commas. Without this flag: a2c and "
    "ppo, where they were tested.",
)
_SUITE = _FLAGS.names(
    "suite",
    [],
    "Suites or single tasks, separated by commas. Without this flag: all but development, by which rules are chosen.",
)
_TO = _FLAGS.string("to", None, "Folder of the table and the pictures.", required=True)


def run() -> None:
    """Run the program."""
    from groove.evaluation.comparisons.compare import compare

    report = compare(
        _RULES.value, _SUITE.value, _BUDGET.value, rivals=_RIVALS.value, results=_RESULTS.value, to=_TO.value
    )
    print(f"\n{report.table}\ntable and pictures in {report.folder}")


PROGRAM = Program(
    summary="Compare stored results of meta-tests: a table, learning curves, aggregates and a profile.",
    example="--rules groove,lpg,a2c,random --suite minatar --to comparison",
    flags=_FLAGS,
    run=run,
)
