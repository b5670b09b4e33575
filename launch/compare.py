"""Draws stored results together: python launch/compare.py --rules groove,lpg,a2c,random --to comparison."""

from absl import app, flags, logging

from groove.cli.meta_test import compare_results

_RESULTS = flags.DEFINE_string("results", "results", "The folder of results.")
_BUDGET = flags.DEFINE_string("budget", "laptop", "smoke, laptop or paper.")
_RULES = flags.DEFINE_list("rules", [], "As they were shown when they were tested; all by default.")
_SUITE = flags.DEFINE_list("suite", [], "Suites or single tasks; all by default.")
_TO = flags.DEFINE_string("to", None, "The folder of the table and the pictures.", required=True)


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    logging.set_verbosity(logging.ERROR)
    return compare_results(_RESULTS.value, _BUDGET.value, _TO.value, _RULES.value, _SUITE.value)


if __name__ == "__main__":
    app.run(main)
