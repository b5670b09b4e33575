"""Where does a rule fall short of A2C? python launch/diagnose.py --rule RUN --to diagnosis."""

from absl import app, flags, logging

from groove.cli.meta_test import diagnose_rule

_RULE = flags.DEFINE_string("rule", None, "A run or a rule file.", required=True)
_LEVELS = flags.DEFINE_integer("levels", 1024, "Random gridworlds.")
_SEEDS = flags.DEFINE_integer("seeds", 2, "Agents of the rule, and of A2C, on every level.")
_UPDATES = flags.DEFINE_integer("updates", 250, "Of every agent.")
_WORST = flags.DEFINE_integer("worst", 64, "Levels to export, which --curriculum set:FILE takes.")
_TO = flags.DEFINE_string("to", None, "The folder of the pictures and the levels.", required=True)
_DEVICES = flags.DEFINE_integer("devices", 0, "Local devices; all by default.")


def main(argv: list[str]) -> int:
    """Turns flags into one call."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]}; every option is a --flag.")
    logging.set_verbosity(logging.ERROR)
    return diagnose_rule(
        rule=_RULE.value,
        levels=_LEVELS.value,
        seeds=_SEEDS.value,
        updates=_UPDATES.value,
        worst=_WORST.value,
        to=_TO.value,
        devices=_DEVICES.value,
    )


if __name__ == "__main__":
    app.run(main)
