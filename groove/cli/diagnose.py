"""The program diagnose: finds the levels on which a rule falls short of A2C."""

from groove.cli._main import FlagSet, Program

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", None, "A run directory, a rule file or a released rule.", required=True)
_LEVELS = _FLAGS.integer("levels", 1024, "Number of random gridworlds.", least=1, most=10**6)
_SEEDS = _FLAGS.integer("seeds", 2, "Agents of the rule, and agents of A2C, on each level.", least=1, most=10**4)
_UPDATES = _FLAGS.integer("updates", 250, "Lifetime of every agent, in agent updates.", least=1, most=10**7)
_WORST = _FLAGS.integer(
    "worst",
    64,
    "Number of levels in worst.safetensors, which meta-train --curriculum set:FILE trains on.",
    least=1,
    most=10**6,
)
_TO = _FLAGS.string("to", None, "Folder of heat_maps.png, worst.png and worst.safetensors.", required=True)
_DEVICES = _FLAGS.integer("devices", 0, "Local devices to train on; 0 for all.", least=0, most=1024)


def run() -> None:
    """Run the program."""
    from groove.evaluation.diagnose import diagnose

    diagnosis = diagnose(
        _RULE.value,
        levels=_LEVELS.value,
        seeds=_SEEDS.value,
        updates=_UPDATES.value,
        worst=_WORST.value,
        to=_TO.value,
        devices=_DEVICES.value,
    )
    print(
        f"{diagnosis.name}: {diagnosis.ratio:.2f} of A2C's return on {_LEVELS.value} random levels; heat maps and "
        f"worst levels in {_TO.value}"
    )


PROGRAM = Program(
    summary="Find the random gridworlds on which a rule falls short of A2C.",
    example="--rule runs/RUN --to diagnosis",
    flags=_FLAGS,
    run=run,
)
