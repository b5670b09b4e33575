"""Tests rules on tasks they never saw: python launch/meta_test.py --rules RUN,a2c,random --suite minatar."""

from absl import app, flags, logging

from groove.cli.meta_test import list_suites, meta_test

_RULES = flags.DEFINE_list("rules", [], "Runs, rule files, a2c, ppo, random; LABEL=RULE to show one as LABEL.")
_SUITE = flags.DEFINE_list("suite", [], "Suites, as minatar, or single tasks, as minatar/Breakout; --list shows all.")
_BUDGET = flags.DEFINE_string("budget", "laptop", "smoke, laptop or paper.")
_SEEDS = flags.DEFINE_integer("seeds", 5, "Agents of every rule on every level.")
_RESULTS = flags.DEFINE_string("results", "results", "The folder of results; what it holds is not run again.")
_TO = flags.DEFINE_string("to", None, "The folder of the table and the pictures; a folder of --results by default.")
_DEVICES = flags.DEFINE_integer("devices", 0, "Local devices; all by default.")
_FORCE = flags.DEFINE_bool("force", False, "Runs again what is stored.")
_LIST = flags.DEFINE_bool("list", False, "Lists suites, tasks and budgets.")


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    logging.set_verbosity(logging.ERROR)
    if _LIST.value:
        print(list_suites())
        return 0
    return meta_test(
        rules=_RULES.value,
        suites=_SUITE.value,
        budget=_BUDGET.value,
        seeds=_SEEDS.value,
        results=_RESULTS.value,
        to=_TO.value,
        devices=_DEVICES.value,
        force=_FORCE.value,
    )


if __name__ == "__main__":
    app.run(main)
