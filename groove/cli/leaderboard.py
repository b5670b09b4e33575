"""The program leaderboard: a page that compares rules, and the check of submissions to it."""

from groove.cli._main import FlagSet, Program
from groove.utils.errors import ConfigError
from groove.utils.limits import MOST_INTEGER

_FLAGS = FlagSet()
_RESULTS = _FLAGS.names(
    "results",
    ["results"],
    "Folders of stored results, separated by commas. Later ones add rules, as submissions do, and cannot change the "
    "results of earlier ones; each may hold cards of rules, RULE.md.",
)
_TO = _FLAGS.string("to", None, "Folder of the page. Without this flag: --check has to be given.")
_BUDGET = _FLAGS.string("budget", "laptop", "Budget of the results: smoke, short, laptop, long or paper.")
_RULES = _FLAGS.names(
    "rules", [], "Rules, separated by commas, by the names under which they were tested. Without this flag: all."
)
_SUITE = _FLAGS.names(
    "suite",
    [],
    "Suites or single tasks, separated by commas, which make up the overall score. Without this flag: all but "
    "development, and gridworld, minatar, classic and bsuite make up the overall score.",
)
_ANCHORS = _FLAGS.string(
    "anchors",
    None,
    "File of the returns that score 1, as groove anchors makes it. Without this flag: the file that comes with groove.",
)
_CHECK = _FLAGS.string(
    "check",
    None,
    "Check a submission, a folder of results and rule files, and build no page: its format, its provenance, and that "
    "one random line of its results can be made again. Without this flag: a page is built.",
)
_SEED = _FLAGS.integer(
    "seed",
    None,
    "Choice of the line that --check makes again. Without this flag: a line that nobody can foresee.",
    least=0,
    most=MOST_INTEGER,
)


def run() -> None:
    """Run the program."""
    if _CHECK.value is not None:
        _check()
        return
    if _SEED.present:
        raise ConfigError("--seed is read by --check only: leave it out.")
    if _TO.value is None:
        raise ConfigError("--to is missing: give the folder of the page, or a submission to --check.")
    from groove.evaluation.leaderboard.site.build import PAGE, build_leaderboard
    from groove.utils.paths import rejoin_paths, user_path

    board = build_leaderboard(
        rejoin_paths(_RESULTS.value),
        _TO.value,
        _BUDGET.value,
        rules=_RULES.value,
        suites=_SUITE.value,
        anchors=_ANCHORS.value,
    )
    for note in board.notes:
        print(note)
    print(f"{len(board.entries)} rules on {len(board.tasks)} tasks: {user_path(_TO.value) / PAGE}")


def _check() -> None:
    for flag in (_TO, _RESULTS, _BUDGET, _RULES, _SUITE, _ANCHORS):
        if flag.present:
            raise ConfigError(f"--{flag.name} is not read by --check: leave it out.")
    from groove.evaluation.leaderboard.check import check_submission

    verdict = check_submission(_CHECK.value, _SEED.value)
    how = "every stored digit is the same"
    if not verdict.to_the_bit:
        how = f"on another machine: a mean return of {verdict.difference:+.3g}, at most {verdict.allowed:.3g} expected"
    print(
        f"{_CHECK.value} is in order: {', '.join(verdict.rules)}, {verdict.lines} lines of results; {verdict.agents} "
        f"agents of {verdict.again} trained again, {how}."
    )
    if verdict.bare:
        print(
            f"{', '.join(verdict.bare)}: a page shows these tasks only beside results of random play, which the "
            f"submission lacks; run groove meta-test --rules random on them, with --results {_CHECK.value}."
        )


PROGRAM = Program(
    summary="Build a page that compares rules by their progression, or check a submission to it.",
    example="--results docs/results/released --to site",
    flags=_FLAGS,
    run=run,
)
