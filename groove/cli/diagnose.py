"""The program diagnose: finds the levels on which a rule falls short of A2C or of other rules."""

from groove.cli._main import FlagSet, Program
from groove.utils.errors import ConfigError
from groove.utils.limits import MOST_DEVICES, MOST_INTEGER, MOST_LEVELS, MOST_LIFETIME, MOST_RANGES, MOST_SEEDS
from groove.utils.paths import rejoin_paths

_FLAGS = FlagSet()
_RULE = _FLAGS.string("rule", None, "A run directory, a rule file or a released rule.", required=True)
_LEVELS = _FLAGS.integer("levels", 1024, "Number of random gridworlds.", least=1, most=MOST_LEVELS)
_SEEDS = _FLAGS.integer("seeds", 2, "Agents of the rule, and agents of A2C, on each level.", least=1, most=MOST_SEEDS)
_UPDATES = _FLAGS.integer("updates", 250, "Lifetime of every agent, in agent updates.", least=1, most=MOST_LIFETIME)
_WORST = _FLAGS.integer(
    "worst",
    None,
    "Number of levels in worst.safetensors, which meta-train --curriculum set:FILE trains on. Without this flag: 64, "
    "or all levels if there are fewer.",
    least=1,
    most=MOST_LEVELS,
)
_TO = _FLAGS.string("to", None, "Folder of the pictures and of worst.safetensors.", required=True)
_SEARCH = _FLAGS.choice(
    "search",
    None,
    ["archive", "best", "random"],
    "Search for levels on which the rule fails, among --levels levels: archive keeps the worst level of every cell of "
    "a grid over two features and changes these; best changes the worst levels, whatever their features; random "
    "changes none. A stopped search goes on when it is called again. Without this flag: all levels are random, and "
    "their means are shown.",
)
_REFERENCES = _FLAGS.names(
    "references",
    ["a2c"],
    "Rules whose best return on a level the rule should reach, separated by commas; --search only.",
)
_AXES = _FLAGS.names(
    "axes", ["nearest_positive", "max_steps"], "The two features of levels that the grid is over; --search only."
)
_RANGES = _FLAGS.integer(
    "ranges", 10, "Largest number of ranges of each feature; --search only.", least=2, most=MOST_RANGES
)
_RESCORE = _FLAGS.integer(
    "rescore",
    8,
    "New agents of each rule on each level found, for the regret that is reported; --search only.",
    least=1,
    most=MOST_SEEDS,
)
_BATCH = _FLAGS.integer("batch", 64, "Levels that are evaluated at once; --search only.", least=1, most=MOST_SEEDS)
_SEED = _FLAGS.integer("seed", 0, "Seed of the search; --search only.", least=0, most=MOST_INTEGER)
_DEVICES = _FLAGS.integer("devices", 0, "Local devices to train on; 0 for all.", least=0, most=MOST_DEVICES)


def run() -> None:
    """Run the program."""
    if _SEARCH.value is not None:
        _search()
        return
    for flag in (_REFERENCES, _AXES, _RANGES, _RESCORE, _BATCH, _SEED):
        if flag.present:
            raise ConfigError(f"--{flag.name} is read by --search only: add --search archive, or leave it out.")
    from groove.evaluation.failures.diagnose import diagnose

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


def _search() -> None:
    from groove.evaluation.failures.search.run import search_failures

    failures = search_failures(
        _RULE.value,
        method=_SEARCH.value,
        references=rejoin_paths(_REFERENCES.value),
        levels=_LEVELS.value,
        batch=_BATCH.value,
        seeds=_SEEDS.value,
        rescore=_RESCORE.value,
        updates=_UPDATES.value,
        axes=_AXES.value,
        ranges=_RANGES.value,
        seed=_SEED.value,
        worst=_WORST.value,
        to=_TO.value,
        devices=_DEVICES.value,
    )
    print(
        f"{failures.names[0]}: behind {' and '.join(failures.names[1:])} by {failures.regret.mean():.2f} on average "
        f"over {len(failures.found)} cells, by new agents ({failures.found.mean():.2f} when found); levels and "
        f"pictures in {_TO.value}"
    )


PROGRAM = Program(
    summary="Find the gridworlds on which a rule falls short of A2C.",
    example="--rule runs/RUN --to diagnosis",
    flags=_FLAGS,
    run=run,
)
